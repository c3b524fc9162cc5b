#include "healthcheck/http_1_reply.hpp"
#include "healthcheck/http_transfer.hpp"
#include "healthcheck/stream.hpp"

namespace lvsd::healthcheck {
namespace {

class Http1Transfer final : public HttpTransfer {
 public:
  Http1Transfer(const HttpMeans& means, HttpRequest request, base::UniqueFd connected)
      : means_{means},
        request_{std::move(request)},
        connected_{std::move(connected)},
        reply_{{request_.method != "HEAD", request_.kept_body, request_.digest}} {}

  base::Result<void> start(OnDone done) override {
    TlsContext context;
    if (request_.is_tls) {
      auto made = means_.contexts.get(
          {request_.tls_verify, request_.tls_ca_file, request_.tls_certificate_file, request_.tls_key_file});
      if (!made) return tl::unexpected{made.error()};
      context = std::move(*made);
    }
    done_ = std::move(done);
    stream_.emplace(means_.loop, std::move(connected_), [this](const Stream::Event& event) { happened(event); });
    if (context) {
      stream_->start_tls(context, request_.server_name);
    } else {
      stream_->send(http_1_message(request_));
    }
    return {};
  }

  HttpReply reply() const override { return reply_.reply(); }
  std::string digest() override { return reply_.digest(); }
  bool is_http_2() const override { return false; }
  bool is_secured() const override { return is_secured_; }
  std::size_t received() const override { return reply_.received(); }
  std::int64_t certificate_expires_unix_ms() const override { return certificate_expires_unix_ms_; }

 private:
  void happened(const Stream::Event& event) {
    if (const auto* bytes = std::get_if<std::string_view>(&event)) return heard(*bytes);
    if (const auto* secured = std::get_if<Stream::Secured>(&event)) {
      is_secured_ = true;
      certificate_expires_unix_ms_ = secured->certificate_expires_unix_ms;
      return stream_->send(http_1_message(request_));
    }
    if (const auto* fault = std::get_if<Fault>(&event)) return finish(in_its_place(*fault));
    finish(reply_.closed());
  }

  void heard(std::string_view bytes) {
    auto complete = reply_.heard(bytes);
    if (!complete) return finish(std::move(complete.error()));
    if (*complete) finish(std::nullopt);
  }

  Fault in_its_place(const Fault& fault) const {
    if (fault.reason != Reason::Reset || reply_.received() == 0) return fault;
    return {Reason::Reset, "connection reset in the middle of the reply"};
  }

  // `done` may destroy this object: nothing of it is touched after the call.
  void finish(std::optional<Fault> fault) {
    if (const auto done = std::exchange(done_, {})) done(std::move(fault));
  }

  HttpMeans means_;
  HttpRequest request_;
  base::UniqueFd connected_;
  Http1Reply reply_;
  OnDone done_;
  bool is_secured_ = false;
  std::int64_t certificate_expires_unix_ms_ = 0;
  std::optional<Stream> stream_;
};

}  // namespace

std::unique_ptr<HttpTransfer> http_1_transfer(const HttpMeans& means, HttpRequest request, base::UniqueFd connected) {
  return std::make_unique<Http1Transfer>(means, std::move(request), std::move(connected));
}

}  // namespace lvsd::healthcheck

#include "healthcheck/http_checker.hpp"

#include <fmt/format.h>

#include "healthcheck/certificate.hpp"

namespace lvsd::healthcheck {

HttpChecker::HttpChecker(const HttpMeans& means, const Target& target, OnResult done)
    : means_{means},
      target_{target},
      done_{std::move(done)},
      started_{base::Clock::now()},
      deadline_{means.loop, target.check.timeout, [this] { expired(); }} {
  ask();
}

void HttpChecker::ask() {
  connect_.emplace(means_.loop, means_.marker, target_, [this](base::Result<base::UniqueFd, Fault> outcome) {
    if (!outcome) return finish({outcome.error().reason, std::move(outcome.error().text), elapsed()});
    connected(std::move(*outcome));
  });
}

void HttpChecker::connected(base::UniqueFd socket) {
  transfer_ =
      (wants_http_2() ? http_2_transfer : http_1_transfer)(means_, http_request(target_, page_), std::move(socket));
  const auto started = transfer_->start([this](const std::optional<Fault>& fault) { ended(fault); });
  if (!started) finish({Reason::Local, "not checked: " + started.error().text, elapsed()});
}

bool HttpChecker::wants_http_2() const {
  return target_.check.http_version == HttpVersion::V2 || target_.check.type == CheckType::Grpc;
}

std::optional<Fault> HttpChecker::wrong_version() const {
  if (!wants_http_2() || transfer_->is_http_2()) return std::nullopt;
  return Fault{Reason::Protocol, "the server does not speak HTTP/2"};
}

// An unexpected status is the better news even where the rest of the reply went wrong.
void HttpChecker::ended(const std::optional<Fault>& fault) {
  HttpReply reply = transfer_->reply();
  const bool told = reply.status != 0 && !status_expected(reply.status, target_.check);
  if (fault && !told) return finish({fault->reason, fault->text, elapsed()});
  if (const auto wrong = wrong_version()) return finish({wrong->reason, wrong->text, elapsed()});
  const auto& digest = page_digest(target_.check, page_);
  if (!digest.empty()) reply.digest = transfer_->digest();
  auto result = judge(reply, target_.check, url_words(target_, page_), elapsed(), digest);
  const auto pages = page_count(target_.check);
  if (!result.passed() || page_ + 1 == pages) {
    if (result.passed() && pages > 1) result.text = fmt::format("{} pages, {}", pages, result.text);
    return finish(std::move(result));
  }
  if (const auto expires = transfer_->certificate_expires_unix_ms()) certificate_expires_unix_ms_ = expires;
  ++page_;
  transfer_.reset();
  ask();
}

void HttpChecker::expired() {
  const auto words =
      fmt::format("timed out after {} ({})", base::format_duration(target_.check.timeout), phase_words());
  const Fault timeout{Reason::Timeout, words};
  if (transfer_) return ended(timeout);
  finish({timeout.reason, timeout.text, elapsed()});
}

std::string HttpChecker::phase_words() const {
  if (!transfer_) return "no connection";
  const bool is_tls = target_.check.type == CheckType::Https || target_.check.tls;
  if (is_tls && !transfer_->is_secured()) return "connected, TLS handshake unfinished";
  if (transfer_->received() == 0) return "connected, no reply";
  return fmt::format("reply unfinished after {} bytes", transfer_->received());
}

// `done` may destroy this object: nothing of it is touched after the call.
void HttpChecker::finish(CheckResult result) {
  if (transfer_ && transfer_->certificate_expires_unix_ms() != 0)
    certificate_expires_unix_ms_ = transfer_->certificate_expires_unix_ms();
  if (certificate_expires_unix_ms_ != 0) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    result = with_certificate(std::move(result), target_.check, certificate_expires_unix_ms_,
                              std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
    result.connected = true;
  }
  if (const auto done = std::exchange(done_, {})) done(std::move(result));
}

}  // namespace lvsd::healthcheck

#include "healthcheck/stream.hpp"

#include <array>
#include <cerrno>
#include <optional>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

namespace lvsd::healthcheck {
namespace {

constexpr int kReadsAtOnce = 8;  // then the loop serves others first
constexpr std::size_t kReadSize = 16u << 10;

enum class Outcome { Done, Again, Closed, Broken };

struct Transferred {
  Outcome outcome = Outcome::Again;
  std::size_t bytes = 0;
};

Transferred from_system(ssize_t result, bool reading) {
  if (result > 0) return {Outcome::Done, static_cast<std::size_t>(result)};
  if (result == 0 && reading) return {Outcome::Closed, 0};
  return {errno == EAGAIN || errno == EINTR ? Outcome::Again : Outcome::Broken, 0};
}

}  // namespace

struct Stream::Impl : std::enable_shared_from_this<Stream::Impl> {
  Impl(boost::asio::io_context& io, OnEvent callback) : loop{io}, descriptor{io}, on_event{std::move(callback)} {}

  // A session must not outlive its socket's owner.
  ~Impl() { tls.reset(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void tell(const Event& event, bool is_last) {
    const auto call = is_last ? std::exchange(on_event, {}) : on_event;
    if (call) call(event);
  }

  Transferred write_some(std::string_view bytes) {
    if (!tls) return from_system(::send(descriptor.native_handle(), bytes.data(), bytes.size(), MSG_NOSIGNAL), false);
    ERR_clear_error();
    std::size_t written = 0;
    if (SSL_write_ex(tls.get(), bytes.data(), bytes.size(), &written) == 1) return {Outcome::Done, written};
    return from_tls(0);
  }

  Transferred read_some(std::array<char, kReadSize>& buffer) {
    if (!tls) return from_system(::recv(descriptor.native_handle(), buffer.data(), buffer.size(), 0), true);
    ERR_clear_error();
    std::size_t got = 0;
    if (SSL_read_ex(tls.get(), buffer.data(), buffer.size(), &got) == 1) return {Outcome::Done, got};
    return from_tls(0);
  }

  Transferred from_tls(int result) {
    switch (SSL_get_error(tls.get(), result)) {
      case SSL_ERROR_WANT_READ:
        return {};
      case SSL_ERROR_WANT_WRITE:
        wants_write = true;
        return {};
      case SSL_ERROR_ZERO_RETURN:
        return {Outcome::Closed, 0};
      case SSL_ERROR_SSL:  // many servers close without TLS's own farewell
        return {
            ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING ? Outcome::Closed : Outcome::Broken,
            0};
      default:
        return {Outcome::Broken, 0};
    }
  }

  void flush() {
    while (!unsent.empty() && !securing && !broken) {
      const auto [outcome, bytes] = write_some(unsent);
      if (outcome != Outcome::Done) break;  // a broken connection is told by reading from it
      unsent.erase(0, bytes);
    }
  }

  // False: not yet, or failed and told.
  bool shake_hands() {
    ERR_clear_error();
    const int result = SSL_do_handshake(tls.get());
    if (result == 1) {
      securing = false;
      tell(Secured{certificate_expiry_unix_ms(tls.get())}, false);
      return true;
    }
    const int why = SSL_get_error(tls.get(), result);
    wants_write = why == SSL_ERROR_WANT_WRITE;
    if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) tell(tls_fault(tls.get(), host), true);
    return false;
  }

  // One step of reading; false: nothing more for now.
  bool read_and_tell() {
    std::array<char, kReadSize> buffer;
    const auto [outcome, bytes] = read_some(buffer);
    switch (outcome) {
      case Outcome::Done:
        tell(std::string_view{buffer.data(), bytes}, false);
        return true;
      case Outcome::Closed:
        tell(Closed{}, true);
        return false;
      case Outcome::Broken:
        tell(errno == ECONNRESET || errno == EPIPE ? Fault{Reason::Reset, "connection reset before a reply"}
                                                   : Fault{Reason::Reset, "connection broke"},
             true);
        return false;
      case Outcome::Again:
        return false;
    }
    return false;
  }

  void work() {
    if (broken) return tell(*std::exchange(broken, std::nullopt), true);
    wants_write = false;
    is_working = true;
    for (int i = 0; on_event && !broken && i < kReadsAtOnce; ++i) {
      if (securing && !shake_hands()) break;
      if (!on_event) break;  // closed by what it was told: the descriptor may be another's by now
      flush();
      if (on_event && !read_and_tell()) break;
    }
    is_working = false;
    if (!on_event) return;
    if (broken || (tls && SSL_pending(tls.get()) > 0)) return work_soon();
    wait(descriptor.wait_read, waits_to_read);
    if (wants_write || (!unsent.empty() && !securing)) wait(descriptor.wait_write, waits_to_write);
  }

  void wait(boost::asio::posix::stream_descriptor::wait_type what, bool& waits) {
    if (std::exchange(waits, true)) return;
    descriptor.async_wait(what, [weak = weak_from_this(), &waits](const boost::system::error_code& error) {
      const auto self = weak.lock();
      if (!self || error) return;
      waits = false;
      self->work();
    });
  }

  void work_soon() {
    if (is_working) return;
    boost::asio::post(loop, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->work();
    });
  }

  boost::asio::io_context& loop;
  boost::asio::posix::stream_descriptor descriptor;
  OnEvent on_event;
  std::optional<Fault> broken;  // trouble of our own, told from the loop
  TlsSession tls;
  std::string host;
  std::string unsent;
  bool securing = false;
  bool wants_write = false;
  bool is_working = false;
  bool waits_to_read = false;
  bool waits_to_write = false;
};

Stream::Stream(boost::asio::io_context& loop, base::UniqueFd connected, OnEvent on_event)
    : impl_{std::make_shared<Impl>(loop, std::move(on_event))} {
  boost::system::error_code error;
  impl_->descriptor.assign(connected.get(), error);
  if (error) {
    impl_->broken = connect_fault(error.value(), true);
  } else {
    connected.release();
  }
  impl_->work_soon();
}

Stream::~Stream() {
  impl_->on_event = {};
  boost::system::error_code ignored;
  impl_->descriptor.close(ignored);
}

void Stream::send(std::string_view bytes) {
  impl_->unsent += bytes;
  impl_->flush();
  if (!impl_->unsent.empty()) impl_->work_soon();
}

void Stream::start_tls(const TlsContext& context, const std::string& host) {
  impl_->tls = tls_session(context, impl_->descriptor.native_handle(), host);
  if (!impl_->tls) impl_->broken = Fault{Reason::Local, "not checked: no memory for TLS"};
  impl_->host = host;
  impl_->securing = true;
  impl_->work_soon();
}

}  // namespace lvsd::healthcheck

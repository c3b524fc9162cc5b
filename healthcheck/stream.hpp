// A connected socket on the event loop, in the clear or under TLS from some moment on. No deadline of its own. Used by
// stream_checker.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "base/fd.hpp"
#include "healthcheck/result.hpp"
#include "healthcheck/tls.hpp"

namespace boost::asio {
class io_context;
}

namespace lvsd::healthcheck {

class Stream {
 public:
  struct Secured {
    std::int64_t certificate_expires_unix_ms = 0;
  };
  struct Closed {};
  using Event = std::variant<std::string_view, Secured, Closed, Fault>;  // bytes that came; the handshake is over; …
  // From the loop; may destroy the Stream. Nothing comes after Closed or a Fault.
  using OnEvent = std::function<void(const Event&)>;

  Stream(boost::asio::io_context& loop, base::UniqueFd connected, OnEvent on_event);
  ~Stream();  // closes

  void send(std::string_view bytes);  // at once as far as the socket takes it, the rest later
  void start_tls(const TlsContext& context, const std::string& host);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace lvsd::healthcheck

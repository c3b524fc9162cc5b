// A conversation with a server over one TCP connection: bytes in, moves out. Pure; implemented once per protocol,
// driven by stream_checker, which owns socket, TLS and deadline.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "healthcheck/config.hpp"
#include "healthcheck/result.hpp"

namespace lvsd::healthcheck {

inline constexpr std::size_t kReplyLimit = 48u << 10;  // bytes that are read of one conversation; more fails

struct Move {
  std::string send;             // first; with an ending, as far as the socket takes it at once
  bool start_tls = false;       // then
  std::optional<Fault> ending;  // Reason::Ok: passed, the text becomes "TEXT in 3 ms"
  ShareChange share = {};       // with an ending
};

inline Move ended(Reason reason, std::string text) { return {{}, false, Fault{reason, std::move(text)}}; }

class Dialogue {
 public:
  virtual ~Dialogue() = default;

  virtual Move begin() = 0;  // connected; with type tls, secured
  virtual Move secured() { return {}; }
  // Everything the server sent since the last start or TLS handshake, at most kReplyLimit bytes. What is not consumed
  // comes again, with more behind it. Never asked for the same bytes twice without consuming in between.
  virtual Move heard(std::string_view unread) = 0;
  virtual Move closed(std::string_view unread);                   // by the server
  virtual std::string unfinished(std::string_view unread) const;  // the end of "timed out after 1s (…)"

  std::size_t consumed = 0;  // bytes of `unread` the last heard() has done with; the driver resets it
};

// For every type on Carrier::Stream.
std::unique_ptr<Dialogue> make_dialogue(const CheckConfig& check);

}  // namespace lvsd::healthcheck

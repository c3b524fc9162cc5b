// One end of a SOCK_SEQPACKET pair on an event loop: whole messages (texts) with attached descriptors, never blocking.
// Texts over 64 KiB travel in a sealed memory file, up to 256 MiB. The supervisor has one per room, each room has one.
// Typed use goes through Link (base/link.hpp).
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/fd.hpp"
#include "base/result.hpp"

namespace boost::asio {
class io_context;
}

namespace lvsd::base {

class Channel {
 public:
  static constexpr std::size_t kInlineLimit = 64u << 10;  // bytes of one datagram
  static constexpr std::size_t kMaxFds = 16;              // attached to one message
  // Queued messages to a peer that does not read; then the channel closes. Ten thousand servers have their first
  // verdicts within a second, while the peer may be busy with a configuration of that size.
  static constexpr std::size_t kBacklogLimit = 65'536;

  using OnMessage = std::function<void(std::string_view text, std::vector<UniqueFd> fds)>;
  using OnClosed = std::function<void(std::string reason)>;  // called once; the peer is gone or broke the rules

  // Both ends, close-on-exec.
  static Result<std::pair<UniqueFd, UniqueFd>> make_pair();

  Channel(boost::asio::io_context& loop, UniqueFd socket);
  ~Channel();  // closes without calling back
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  // Callbacks come from the loop, never from inside start() or send().
  void start(OnMessage on_message, OnClosed on_closed);

  // Descriptors are duplicated into the message; the caller keeps its own.
  Result<void> send(std::string_view text, std::span<const int> fds = {});

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace lvsd::base

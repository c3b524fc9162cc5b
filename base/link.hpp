// A Channel that speaks one room's vocabulary: In and Out are the variants of its messages.hpp. A message that does not
// decode ends the link: the two ends are the same build, so it means a broken process.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/channel.hpp"

namespace lvsd::base {

template <class In, class Out>
class Link {
 public:
  using OnMessage = std::function<void(In message, std::vector<UniqueFd> fds)>;
  using Decode = Result<In> (*)(std::string_view);
  using Encode = std::string (*)(const Out&);

  Link(boost::asio::io_context& loop, UniqueFd socket, Decode decode, Encode encode)
      : channel_{loop, std::move(socket)}, decode_{decode}, encode_{encode} {}

  void start(OnMessage on_message, Channel::OnClosed on_closed) {
    channel_.start(
        [this, on_message = std::move(on_message), on_closed](std::string_view text, std::vector<UniqueFd> fds) {
          auto message = decode_(text);
          if (!message) return on_closed(message.error().text);
          on_message(std::move(*message), std::move(fds));
        },
        on_closed);
  }

  Result<void> send(const Out& message, std::span<const int> fds = {}) { return channel_.send(encode_(message), fds); }

 private:
  Channel channel_;
  Decode decode_;
  Encode encode_;
};

}  // namespace lvsd::base

// A stream of advertisements with any trailers, any clocks: nothing may crash, nothing that was not signed may pass,
// what passes is new, and what we sign ourselves passes at once at a receiver that has heard nothing.
#include <algorithm>
#include <cstdlib>
#include <span>

#include "vrrp/authenticator.hpp"

namespace {

using namespace lvsd::vrrp;
using namespace std::chrono_literals;

void require(bool condition) {
  if (!condition) std::abort();
}

class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : rest_{data, size} {}
  bool empty() const { return rest_.empty(); }
  std::span<const std::uint8_t> take(std::size_t count) {
    const auto taken = rest_.first(std::min(count, rest_.size()));
    rest_ = rest_.subspan(taken.size());
    return taken;
  }
  std::uint32_t number() {
    std::uint32_t value = 0;
    for (const auto byte : take(4)) value = value << 8 | byte;
    return value;
  }

 private:
  std::span<const std::uint8_t> rest_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const HmacConfig config{{{1, std::string(32, 'k')}}, AuthMode::Enforce};
  const auto source = lvsd::base::IpAddress::v4(0x0a000002);
  Authenticator sender;
  Authenticator receiver;
  Input in{data, size};
  while (!in.empty()) {
    const auto choice = in.take(1)[0];
    const Moment sent{std::chrono::seconds{in.number()}, 0s};
    const Moment heard{std::chrono::seconds{in.number()}, std::chrono::seconds{in.number()}};
    const auto bytes = in.take(12);
    const std::vector<std::uint8_t> message{bytes.begin(), bytes.end()};
    if ((choice & 1) != 0) {  // a stranger's
      require(receiver.judge(config, message, in.take(choice >> 1), source, heard, 5s).has_value());
      continue;
    }
    if (message.size() < 12) return 0;
    const auto trailer = sender.sign(config, message, source, sent, 5s);
    require(trailer.size() == kTrailerSize);
    require(!Authenticator{}.judge(config, message, trailer, source, sent, 5s));
    if (!receiver.judge(config, message, trailer, source, heard, 5s))
      require(receiver.judge(config, message, trailer, source, heard, 5s) == DecodeError::HmacReplay);
    auto changed = message;
    changed[choice % 6] ^= 0x5a;
    require(receiver.judge(config, changed, trailer, source, heard, 5s).has_value());
  }
  return 0;
}

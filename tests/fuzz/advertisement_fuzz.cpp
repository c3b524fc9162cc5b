// Any bytes as an IP packet: nothing may crash, and what is accepted must obey the rules and encode to the same
// message.
#include <algorithm>
#include <cstdlib>
#include <span>

#include "vrrp/advertisement.hpp"
#include "vrrp/timers.hpp"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lvsd::vrrp;
  const std::span packet{data, size};
  const Expected expected{51, lvsd::base::IpAddress::v4(0x0a090001)};
  const auto received = decode(packet, expected);
  if (!received) {
    static_cast<void>(word(received.error()));
    static_cast<void>(peek_virtual_router_id(packet));
    return 0;
  }
  const auto& advertisement = received->advertisement;
  require(peek_virtual_router_id(packet) == expected.virtual_router_id);
  require(received->source != expected.own_address);
  require(!advertisement.addresses.empty());
  require(advertisement.interval >= kLeastInterval && advertisement.interval <= kLongestInterval);

  // Equal but for reserved bits, which are sent as 0, and for what the checksum makes of them.
  auto again = encode(advertisement, received->source, received->form);
  const std::size_t header = std::size_t{packet[0] & 0xfu} * 4;
  const std::span original = packet.subspan(header, again.size());
  require(std::equal(again.begin(), again.begin() + 4, original.begin()));
  require(again[4] == (original[4] & 0x0f) && again[5] == original[5]);
  require(std::equal(again.begin() + 8, again.end(), original.begin() + 8));
  return 0;
}

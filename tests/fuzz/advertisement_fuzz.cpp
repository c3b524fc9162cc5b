// Any bytes as a packet, for both versions, both families, multicast and unicast, with and without a trailer: nothing
// may crash, and what is accepted must obey the rules and encode to the same message. The first byte says which.
#include <algorithm>
#include <cstdlib>
#include <optional>
#include <span>

#include "vrrp/advertisement.hpp"
#include "vrrp/timers.hpp"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

namespace {

using namespace lvsd::vrrp;
using lvsd::base::IpAddress;

struct Case {
  Datagram datagram;
  Expected expected;
};

std::optional<Case> make_case(std::uint8_t choice, std::span<const std::uint8_t> bytes) {
  Case made;
  made.expected.virtual_router_id = 51;
  made.expected.version = (choice & 1) != 0 ? 2 : 3;
  made.expected.interval = std::chrono::seconds{1};
  made.expected.unicast = (choice & 2) != 0;
  made.expected.trailer = (choice & 4) != 0;
  if ((choice & 8) != 0) made.expected.password = "secret";
  made.expected.any_hop_limit = (choice & 16) != 0;
  if ((choice & 32) == 0) {
    made.expected.own_address = IpAddress::v4(0x0a090001);
    const auto datagram = read_ipv4(bytes);
    if (!datagram) return std::nullopt;
    made.datagram = *datagram;
    return made;
  }
  made.expected.own_address = *IpAddress::parse("fe80::1");
  made.datagram.source = *IpAddress::parse("fe80::2");
  made.datagram.destination =
      made.expected.unicast ? made.expected.own_address : multicast_group(made.datagram.source.family());
  made.datagram.hop_limit = 255;
  made.datagram.payload = bytes;
  return made;
}

// Equal but for reserved bits, which are sent as 0, and for what the checksum makes of them.
void check_accepted(const Case& made, const Received& received) {
  const auto& advertisement = received.advertisement;
  require(advertisement.virtual_router_id == made.expected.virtual_router_id);
  require(advertisement.version == made.expected.version);
  require(received.source != made.expected.own_address);
  require(!advertisement.addresses.empty());
  require(received.trailer.empty() || (made.expected.trailer && received.trailer.size() == kTrailerSize));
  if (advertisement.version == 3)
    require(advertisement.interval >= kLeastInterval && advertisement.interval <= kLongestInterval);

  const auto again = encode(advertisement, received.source, made.datagram.destination, received.form, received.trailer);
  const auto original = made.datagram.payload;
  require(again.size() <= original.size());
  require(std::equal(again.begin(), again.begin() + 4, original.begin()));
  const std::uint8_t reserved = advertisement.version == 3 ? 0x0f : 0xff;
  require(again[4] == (original[4] & reserved) && again[5] == original[5]);
  // Without a password nobody looks at its 8 bytes.
  const bool free_tail = advertisement.version == 2 && advertisement.password.empty();
  const auto end = 8 + advertisement.addresses.size() * received.source.size();
  const auto compared = free_tail ? end : again.size();
  require(std::equal(again.begin() + 8, again.begin() + static_cast<std::ptrdiff_t>(compared), original.begin() + 8));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto made = make_case(data[0], std::span{data, size}.subspan(1));
  if (!made) return 0;
  static_cast<void>(peek_virtual_router_id(made->datagram));
  const auto received = decode(made->datagram, made->expected);
  if (received) {
    check_accepted(*made, *received);
  } else {
    require(!word(received.error()).empty());
  }
  return 0;
}

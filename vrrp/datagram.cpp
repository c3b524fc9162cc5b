#include "vrrp/datagram.hpp"

#include "base/bytes.hpp"

namespace lvsd::vrrp {
namespace {

constexpr std::size_t kLeastIpv4Header = 20;
constexpr std::size_t kLeastMessage = 8;
constexpr std::size_t kLeastEthernetPayload = 46;  // shorter packets are padded; some senders count the padding in
constexpr std::uint16_t kFragmentMask = 0x3fff;    // more-fragments and offset

constexpr base::IpAddress kIpv4Group = base::IpAddress::v4(0xe0000012);
constexpr base::IpAddress kIpv6Group = base::IpAddress::v6({0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x12});

}  // namespace

base::IpAddress multicast_group(base::Family family) { return family == base::Family::V4 ? kIpv4Group : kIpv6Group; }

std::optional<Datagram> read_ipv4(std::span<const std::uint8_t> packet) {
  base::ByteReader in{packet};
  const std::uint8_t first = in.u8();
  in.take(1);  // type of service
  const std::size_t total_length = in.u16();
  in.take(2);  // identification
  const std::uint16_t fragment = in.u16();
  Datagram datagram;
  datagram.hop_limit = in.u8();
  const std::uint8_t protocol = in.u8();
  in.take(2);  // header checksum: verified by the kernel
  datagram.source = base::IpAddress::v4(in.u32());
  datagram.destination = base::IpAddress::v4(in.u32());
  const std::size_t header = std::size_t{first & 0xfu} * 4;  // with options more than 20
  const bool whole = in.ok && (first >> 4) == 4 && header >= kLeastIpv4Header && total_length >= header &&
                     total_length <= packet.size() && (fragment & kFragmentMask) == 0;
  if (!whole || protocol != kIpProtocol) return std::nullopt;
  datagram.payload = packet.subspan(header, total_length - header);
  datagram.may_be_padded = total_length <= kLeastEthernetPayload;
  return datagram;
}

std::optional<std::uint8_t> peek_virtual_router_id(const Datagram& datagram) {
  if (datagram.payload.size() < kLeastMessage) return std::nullopt;
  return datagram.payload[1];
}

}  // namespace lvsd::vrrp

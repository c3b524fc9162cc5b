#include "vrrp/advert_frame.hpp"

#include "base/bytes.hpp"
#include "base/checksum.hpp"
#include "vrrp/datagram.hpp"

namespace lvsd::vrrp {
namespace {

constexpr std::uint16_t kEtherTypeIpv4 = 0x0800;
constexpr std::uint16_t kEtherTypeIpv6 = 0x86dd;
constexpr std::uint16_t kDoNotFragment = 0x4000;
constexpr std::uint8_t kPrecedence = 0xc0;  // internetwork control
constexpr std::size_t kIpv4Header = 20;

std::span<const std::uint8_t> bytes_of(const base::IpAddress& address) { return {address.data(), address.size()}; }

std::vector<std::uint8_t> ipv4_header(const base::IpAddress& source, const base::IpAddress& group, std::size_t size) {
  base::ByteWriter out;
  out.u8(0x45);
  out.u8(kPrecedence);
  out.u16(static_cast<std::uint16_t>(kIpv4Header + size));
  out.u16(0);  // identification: never fragmented
  out.u16(kDoNotFragment);
  out.u8(kHopLimit);
  out.u8(kIpProtocol);
  out.u16(0);  // checksum
  out.append(bytes_of(source));
  out.append(bytes_of(group));
  const auto checksum = base::checksum_finish(base::checksum_add(0, out.bytes));
  out.bytes[10] = static_cast<std::uint8_t>(checksum >> 8);
  out.bytes[11] = static_cast<std::uint8_t>(checksum);
  return std::move(out.bytes);
}

std::vector<std::uint8_t> ipv6_header(const base::IpAddress& source, const base::IpAddress& group, std::size_t size) {
  base::ByteWriter out;
  out.u32(0x60000000u | std::uint32_t{kPrecedence} << 20);
  out.u16(static_cast<std::uint16_t>(size));
  out.u8(kIpProtocol);
  out.u8(kHopLimit);
  out.append(bytes_of(source));
  out.append(bytes_of(group));
  return std::move(out.bytes);
}

}  // namespace

base::MacAddress multicast_mac(const base::IpAddress& group) {
  const auto* b = group.data();
  if (group.is_v4()) return {{0x01, 0x00, 0x5e, static_cast<std::uint8_t>(b[1] & 0x7f), b[2], b[3]}};
  return {{0x33, 0x33, b[12], b[13], b[14], b[15]}};
}

Frame advert_frame(const base::MacAddress& sender, const base::IpAddress& source, const base::IpAddress& group,
                   std::span<const std::uint8_t> message) {
  base::ByteWriter out;
  out.append(multicast_mac(group).bytes);
  out.append(sender.bytes);
  out.u16(group.is_v4() ? kEtherTypeIpv4 : kEtherTypeIpv6);
  out.append(group.is_v4() ? ipv4_header(source, group, message.size()) : ipv6_header(source, group, message.size()));
  out.append(message);
  return std::move(out.bytes);
}

}  // namespace lvsd::vrrp

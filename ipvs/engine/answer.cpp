#include "ipvs/engine/answer.hpp"

#include <algorithm>
#include <array>

#include "ipvs/engine/rewrite.hpp"

namespace lvsd::ipvs::engine {
namespace {

constexpr std::uint32_t kIpHeader = 20;
constexpr std::uint32_t kIcmpHeader = 8;
constexpr std::uint32_t kIcmpMaximum = 576;  // bytes of the whole IP packet
constexpr std::uint32_t kTcpHeader = 20;
constexpr std::uint8_t kTtl = 64;
constexpr std::uint8_t kInternetworkControl = 0xc0;  // type of service of ICMP errors, RFC 1812 §4.3.2.5

struct IpHeader {
  std::uint32_t length = 0;  // of the packet
  std::uint8_t type_of_service = 0;
  std::uint8_t protocol = 0;
  std::uint32_t source = 0;
  std::uint32_t destination = 0;
};

// Without fragmentation and therefore without an identification (RFC 6864 §4.1).
void write_ip(std::uint8_t* at, const IpHeader& header) {
  std::memset(at, 0, kIpHeader);
  at[0] = 0x45;
  at[1] = header.type_of_service;
  store16_host(at + 2, static_cast<std::uint16_t>(header.length));
  at[6] = 0x40;
  at[8] = kTtl;
  at[9] = header.protocol;
  store32(at + 12, header.source);
  store32(at + 16, header.destination);
  store16(at + 10, static_cast<std::uint16_t>(~fold(add_words(0, {at, kIpHeader}))));
}

// Back to the neighbour it came from; a priority tag is left out.
void turn_ethernet(std::uint8_t* data) {
  std::array<std::uint8_t, 6> sender{};
  std::memcpy(sender.data(), data + 6, 6);
  std::memcpy(data + 6, data, 6);
  std::memcpy(data, sender.data(), 6);
  store16_host(data + 12, 0x0800);
}

}  // namespace

bool make_icmp_error(Packet& packet, const Frame& frame, IcmpError error, std::uint32_t source) noexcept {
  constexpr std::uint32_t kAhead = kEthernetHeader + kIpHeader + kIcmpHeader;
  const std::uint32_t room = packet.length + packet.tailroom;
  const std::uint32_t least = std::uint32_t{frame.ip_header} + 8;  // RFC 792: header and 64 bits
  if (room < kAhead + least || frame.total_length < least) return false;
  const auto quoted =
      std::min({std::uint32_t{frame.total_length}, kIcmpMaximum - kIpHeader - kIcmpHeader, room - kAhead});

  auto* const icmp = packet.data + kEthernetHeader + kIpHeader;
  std::memmove(icmp + kIcmpHeader, packet.data + frame.ip, quoted);
  std::memset(icmp, 0, kIcmpHeader);
  icmp[0] = error.type;
  icmp[1] = error.code;
  store16_host(icmp + 6, error.mtu);
  store16(icmp + 2, static_cast<std::uint16_t>(~fold(add_words(0, {icmp, kIcmpHeader + quoted}))));
  const auto length = kIpHeader + kIcmpHeader + quoted;
  write_ip(packet.data + kEthernetHeader, {length, kInternetworkControl, 1, source, frame.source});
  turn_ethernet(packet.data);
  packet.tailroom = room - kEthernetHeader - length;
  packet.length = kEthernetHeader + length;
  return true;
}

bool make_reset(Packet& packet, const Frame& frame) noexcept {
  if ((frame.tcp_flags & kTcpRst) != 0) return false;
  const auto* segment = packet.data + frame.transport();
  const auto sequence = load32_host(segment + 4);
  const auto acknowledged = load32_host(segment + 8);
  const std::uint32_t header = std::uint32_t{segment[12]} >> 4 << 2;
  const std::uint32_t occupied = frame.transport_length() - header + ((frame.tcp_flags & kTcpSyn) != 0 ? 1 : 0) +
                                 ((frame.tcp_flags & kTcpFin) != 0 ? 1 : 0);
  const bool acknowledges = (frame.tcp_flags & kTcpAck) != 0;

  const std::uint32_t room = packet.length + packet.tailroom;  // never less: the segment has a whole header
  auto* const tcp = packet.data + kEthernetHeader + kIpHeader;
  std::memset(tcp, 0, kTcpHeader);
  store16(tcp, frame.destination_port);
  store16(tcp + 2, frame.source_port);
  store32_host(tcp + 4, acknowledges ? acknowledged : 0);
  store32_host(tcp + 8, acknowledges ? 0 : sequence + occupied);
  tcp[12] = (kTcpHeader / 4) << 4;
  tcp[13] = acknowledges ? kTcpRst : static_cast<std::uint8_t>(kTcpRst | kTcpAck);
  write_ip(packet.data + kEthernetHeader, {kIpHeader + kTcpHeader, 0, 6, frame.destination, frame.source});
  const std::array<std::uint8_t, 4> rest{0, 6, 0, kTcpHeader};  // of the pseudo-header
  const auto sum = std::uint64_t{frame.source} + frame.destination + load32(rest.data());
  store16(tcp + 16, static_cast<std::uint16_t>(~fold(add_words(sum, {tcp, kTcpHeader}))));
  turn_ethernet(packet.data);
  packet.length = kEthernetHeader + kIpHeader + kTcpHeader;
  packet.tailroom = room - packet.length;
  return true;
}

bool RateLimit::take(base::TimePoint now) noexcept {
  const auto period = base::Duration{std::chrono::seconds{1}} / per_second_;
  const auto earned = (now - refilled_) / period;
  if (earned >= per_second_) {
    tokens_ = per_second_;
    refilled_ = now;
  } else if (earned > 0) {
    tokens_ = std::min(per_second_, tokens_ + static_cast<std::uint32_t>(earned));
    refilled_ += earned * period;
  }
  if (tokens_ == 0) return false;
  --tokens_;
  return true;
}

}  // namespace lvsd::ipvs::engine

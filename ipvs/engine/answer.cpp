#include "ipvs/engine/answer.hpp"

#include <algorithm>
#include <array>

#include "ipvs/engine/rewrite.hpp"

namespace lvsd::ipvs::engine {
namespace {

constexpr std::uint32_t kIpv4Header = 20;
constexpr std::uint32_t kIcmpHeader = 8;
constexpr std::uint32_t kTcpHeader = 20;
constexpr std::uint8_t kTtl = 64;
constexpr std::uint8_t kInternetworkControl = 0xc0;  // type of service of ICMP errors, RFC 1812 §4.3.2.5
constexpr std::uint8_t kIcmp = 1;
constexpr std::uint8_t kTcp = 6;
constexpr std::uint8_t kIcmpv6 = 58;

// Where an answer goes: the packet turned round, without options, extension headers or tag.
struct Answer {
  bool v6 = false;
  WireAddress source;
  WireAddress destination;

  std::uint32_t ip_header() const { return v6 ? kIpv6Header : kIpv4Header; }
  std::uint32_t transport() const { return kEthernetHeader + ip_header(); }
};

// Without fragmentation and therefore without an identification (RFC 6864 §4.1).
void write_ipv4(std::uint8_t* at, const Answer& answer, std::uint8_t protocol, std::uint32_t length) {
  std::memset(at, 0, kIpv4Header);
  at[0] = 0x45;
  at[1] = protocol == kIcmp ? kInternetworkControl : 0;
  store16_host(at + 2, static_cast<std::uint16_t>(kIpv4Header + length));
  at[6] = 0x40;
  at[8] = kTtl;
  at[9] = protocol;
  store32(at + 12, answer.source.v4());
  store32(at + 16, answer.destination.v4());
  store16(at + 10, static_cast<std::uint16_t>(~fold(add_words(0, {at, kIpv4Header}))));
}

void write_ipv6(std::uint8_t* at, const Answer& answer, std::uint8_t protocol, std::uint32_t length) {
  std::memset(at, 0, kIpv6Header);
  at[0] = 0x60;
  store16_host(at + 4, static_cast<std::uint16_t>(length));
  at[6] = protocol;
  at[7] = kTtl;
  answer.source.store_v6(at + 8);
  answer.destination.store_v6(at + 24);
}

// Of the transport that stands behind the IP header; its checksum field must be zero.
std::uint16_t checksum(const std::uint8_t* data, const Answer& answer, std::uint8_t protocol, std::uint32_t length) {
  const std::array<std::uint8_t, 4> rest{0, protocol, static_cast<std::uint8_t>(length >> 8),
                                         static_cast<std::uint8_t>(length)};
  std::uint64_t sum = 0;
  if (answer.v6) {
    sum = add_words(load32(rest.data()), {data + kEthernetHeader + 8, 32});
  } else if (protocol != kIcmp) {
    sum = add_words(load32(rest.data()), {data + kEthernetHeader + 12, 8});
  }
  return static_cast<std::uint16_t>(~fold(add_words(sum, {data + answer.transport(), length})));
}

// Around the transport of `length` bytes that is in its place: back to the neighbour it came from.
void finish(Packet& packet, const Answer& answer, std::uint8_t protocol, std::uint32_t length) {
  const std::uint32_t room = packet.length + packet.tailroom;
  auto* const data = packet.data;
  (answer.v6 ? write_ipv6 : write_ipv4)(data + kEthernetHeader, answer, protocol, length);
  std::array<std::uint8_t, 6> sender{};
  std::memcpy(sender.data(), data + 6, 6);
  std::memcpy(data + 6, data, 6);
  std::memcpy(data, sender.data(), 6);
  store16_host(data + 12, answer.v6 ? 0x86dd : 0x0800);
  packet.length = answer.transport() + length;
  packet.tailroom = room - packet.length;
}

struct TypeAndCode {
  std::uint8_t type = 0;
  std::uint8_t code = 0;
};
TypeAndCode type_and_code(IcmpError::Kind kind, bool v6) {
  switch (kind) {
    case IcmpError::Kind::HostUnreachable:
      return v6 ? TypeAndCode{1, 3} : TypeAndCode{3, 1};
    case IcmpError::Kind::PortUnreachable:
      return v6 ? TypeAndCode{1, 4} : TypeAndCode{3, 3};
    case IcmpError::Kind::TimeExceeded:
      return v6 ? TypeAndCode{3, 0} : TypeAndCode{11, 0};
    case IcmpError::Kind::TooBig:
      break;
  }
  return v6 ? TypeAndCode{2, 0} : TypeAndCode{3, 4};
}

}  // namespace

bool make_icmp_error(Packet& packet, const Frame& frame, IcmpError error, const WireAddress& source) noexcept {
  const Answer answer{frame.v6, source, frame.source};
  const std::uint32_t most = frame.v6 ? 1280 : 576;
  const std::uint32_t ahead = answer.transport() + kIcmpHeader;
  const std::uint32_t room = packet.length + packet.tailroom;
  const std::uint32_t least = std::uint32_t{frame.ip_header} + 8;  // RFC 792: header and 64 bits
  if (room < ahead + least || frame.total_length < least) return false;
  const auto quoted =
      std::min({std::uint32_t{frame.total_length}, most - answer.ip_header() - kIcmpHeader, room - ahead});

  auto* const icmp = packet.data + answer.transport();
  std::memmove(icmp + kIcmpHeader, packet.data + frame.ip, quoted);
  std::memset(icmp, 0, kIcmpHeader);
  const auto [type, code] = type_and_code(error.kind, frame.v6);
  icmp[0] = type;
  icmp[1] = code;
  if (frame.v6) {
    store32_host(icmp + 4, error.mtu);
  } else {
    store16_host(icmp + 6, static_cast<std::uint16_t>(error.mtu));
  }
  const auto protocol = frame.v6 ? kIcmpv6 : kIcmp;
  finish(packet, answer, protocol, kIcmpHeader + quoted);
  store16(icmp + 2, checksum(packet.data, answer, protocol, kIcmpHeader + quoted));
  return true;
}

bool make_reset(Packet& packet, const Frame& frame) noexcept {
  if ((frame.tcp_flags & kTcpRst) != 0) return false;
  const Answer answer{frame.v6, frame.destination, frame.source};
  if (packet.length + packet.tailroom < answer.transport() + kTcpHeader) return false;
  const auto* segment = packet.data + frame.transport();
  const auto sequence = load32_host(segment + 4);
  const auto acknowledged = load32_host(segment + 8);
  const std::uint32_t header = std::uint32_t{segment[12]} >> 4 << 2;
  const std::uint32_t occupied = frame.transport_length() - header + ((frame.tcp_flags & kTcpSyn) != 0 ? 1 : 0) +
                                 ((frame.tcp_flags & kTcpFin) != 0 ? 1 : 0);
  const bool acknowledges = (frame.tcp_flags & kTcpAck) != 0;

  auto* const tcp = packet.data + answer.transport();
  std::memset(tcp, 0, kTcpHeader);
  store16(tcp, frame.destination_port);
  store16(tcp + 2, frame.source_port);
  store32_host(tcp + 4, acknowledges ? acknowledged : 0);
  store32_host(tcp + 8, acknowledges ? 0 : sequence + occupied);
  tcp[12] = (kTcpHeader / 4) << 4;
  tcp[13] = acknowledges ? kTcpRst : static_cast<std::uint8_t>(kTcpRst | kTcpAck);
  finish(packet, answer, kTcp, kTcpHeader);
  store16(tcp + 16, checksum(packet.data, answer, kTcp, kTcpHeader));
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

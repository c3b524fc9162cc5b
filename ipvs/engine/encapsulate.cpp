#include "ipvs/engine/encapsulate.hpp"

#include <cstring>

#include "ipvs/engine/frame.hpp"
#include "ipvs/engine/rewrite.hpp"

namespace lvsd::ipvs::engine {
namespace {

constexpr std::uint32_t kIpv4Header = 20;
constexpr std::uint32_t kUdpHeader = 8;
constexpr std::uint32_t kGueHeader = 4;
constexpr std::uint32_t kGreHeader = 4;
constexpr std::uint32_t kGreChecksum = 4;  // with its reserved half

constexpr std::uint8_t kIpv4InIp = 4;  // protocol numbers
constexpr std::uint8_t kUdp = 17;
constexpr std::uint8_t kIpv6InIp = 41;
constexpr std::uint8_t kGre = 47;

constexpr std::uint16_t kEtherIpv4 = 0x0800;
constexpr std::uint16_t kEtherIpv6 = 0x86dd;

struct Inner {
  bool v4 = true;
  std::uint8_t traffic_class = 0;  // DSCP and ECN
  std::uint8_t hop_limit = 0;
  bool dont_fragment = false;
};

Inner read_inner(const std::uint8_t* at) {
  if ((at[0] >> 4) == 4) return {true, at[1], at[8], outer_dont_fragment(at)};
  return {false, static_cast<std::uint8_t>((at[0] << 4) | (at[1] >> 4)), at[7], outer_dont_fragment(at)};
}

std::uint8_t outer_protocol(TunnelKind kind, const Inner& inner) {
  if (kind == TunnelKind::Gue) return kUdp;
  if (kind == TunnelKind::Gre) return kGre;
  return inner.v4 ? kIpv4InIp : kIpv6InIp;
}

// `length` is what follows the header.
void write_ipv4(std::uint8_t* at, const Inner& inner, std::uint8_t protocol, std::uint32_t length,
                const Envelope& envelope) {
  std::memset(at, 0, kIpv4Header);
  at[0] = 0x45;
  at[1] = inner.traffic_class;
  store16_host(at + 2, static_cast<std::uint16_t>(kIpv4Header + length));
  // An identification means nothing in a packet that cannot be fragmented (RFC 6864 §4.1).
  if (inner.dont_fragment)
    at[6] = 0x40;
  else
    store16_host(at + 4, envelope.identification);
  at[8] = inner.hop_limit;
  at[9] = protocol;
  std::memcpy(at + 12, envelope.source.data(), 4);
  std::memcpy(at + 16, envelope.destination.data(), 4);
  store16(at + 10, static_cast<std::uint16_t>(~fold(add_words(0, {at, kIpv4Header}))));
}

void write_ipv6(std::uint8_t* at, const Inner& inner, std::uint8_t protocol, std::uint32_t length,
                const Envelope& envelope) {
  const std::uint32_t label = envelope.flow & 0xfffff;  // RFC 6438
  store32_host(at, 0x60000000u | (std::uint32_t{inner.traffic_class} << 20) | label);
  store16_host(at + 4, static_cast<std::uint16_t>(length));
  at[6] = protocol;
  at[7] = inner.hop_limit;
  std::memcpy(at + 8, envelope.source.data(), 16);
  std::memcpy(at + 24, envelope.destination.data(), 16);
}

std::uint64_t pseudo_header(const Envelope& envelope, std::uint8_t protocol, std::uint32_t length) {
  std::uint64_t sum = add_words(0, {envelope.source.data(), envelope.source.size()});
  sum = add_words(sum, {envelope.destination.data(), envelope.destination.size()});
  std::uint8_t rest[4]{0, protocol, 0, 0};
  store16_host(rest + 2, static_cast<std::uint16_t>(length));
  return add_words(sum, rest);
}

// The source port is of the dynamic range (RFC 6335 §6), chosen by the flow.
void write_gue(std::uint8_t* at, const Inner& inner, std::uint32_t inner_length, const Envelope& envelope) {
  const auto length = kUdpHeader + kGueHeader + inner_length;
  store16_host(at, static_cast<std::uint16_t>(0xc000 | ((envelope.flow ^ (envelope.flow >> 16)) & 0x3fff)));
  store16_host(at + 2, envelope.tunnel.port);
  store16_host(at + 4, static_cast<std::uint16_t>(length));
  store16(at + 6, 0);
  auto* gue = at + kUdpHeader;
  store32_host(gue, std::uint32_t{inner.v4 ? kIpv4InIp : kIpv6InIp} << 16);  // version 0, no options
  if (envelope.tunnel.checksum == TunnelChecksum::None) return;
  const auto sum = add_words(pseudo_header(envelope, kUdp, length), {at, length});
  const auto checksum = static_cast<std::uint16_t>(~fold(sum));
  store16(at + 6, checksum == 0 ? std::uint16_t{0xffff} : checksum);
}

void write_gre(std::uint8_t* at, const Inner& inner, std::uint32_t inner_length, TunnelChecksum wanted) {
  const bool with_checksum = wanted != TunnelChecksum::None;
  store16_host(at, with_checksum ? 0x8000 : 0);
  store16_host(at + 2, inner.v4 ? kEtherIpv4 : kEtherIpv6);
  if (!with_checksum) return;
  store32(at + 4, 0);
  const auto length = kGreHeader + kGreChecksum + inner_length;
  store16(at + 4, static_cast<std::uint16_t>(~fold(add_words(0, {at, length}))));
}

}  // namespace

std::uint32_t tunnel_overhead(const Tunnel& tunnel, base::Family outer) noexcept {
  const auto ip = outer == base::Family::V4 ? kIpv4Header : kIpv6Header;
  switch (tunnel.kind) {
    case TunnelKind::Gue:
      return ip + kUdpHeader + kGueHeader;
    case TunnelKind::Gre:
      return ip + kGreHeader + (tunnel.checksum == TunnelChecksum::None ? 0 : kGreChecksum);
    case TunnelKind::Ipip:
      break;
  }
  return ip;
}

bool outer_dont_fragment(const std::uint8_t* inner) noexcept {
  if ((inner[0] >> 4) == 4) return (inner[6] & 0x40) != 0;
  return kIpv6Header + load16_host(inner + 4) > kLeastIpv6Mtu;
}

bool encapsulate(Packet& packet, std::uint32_t inner, std::uint32_t length, const Envelope& envelope) noexcept {
  const auto overhead = tunnel_overhead(envelope.tunnel, envelope.destination.family());
  const auto before = inner - kEthernetHeader;  // a priority tag makes room too
  if (overhead > before + packet.headroom) return false;
  auto* const at = packet.data + inner;
  const auto header = read_inner(at);
  const bool v4 = envelope.destination.is_v4();
  auto* const outer = at - overhead;
  auto* const shim = outer + (v4 ? kIpv4Header : kIpv6Header);
  if (envelope.tunnel.kind == TunnelKind::Gue) write_gue(shim, header, length, envelope);
  if (envelope.tunnel.kind == TunnelKind::Gre) write_gre(shim, header, length, envelope.tunnel.checksum);
  const auto protocol = outer_protocol(envelope.tunnel.kind, header);
  const auto rest = static_cast<std::uint32_t>(at + length - shim);
  v4 ? write_ipv4(outer, header, protocol, rest, envelope) : write_ipv6(outer, header, protocol, rest, envelope);

  auto* const data = outer - kEthernetHeader;
  store16_host(data + 12, v4 ? kEtherIpv4 : kEtherIpv6);
  packet.tailroom += packet.length - inner - length;
  packet.headroom = packet.headroom + before - overhead;
  packet.length = kEthernetHeader + overhead + length;
  packet.data = data;
  return true;
}

}  // namespace lvsd::ipvs::engine

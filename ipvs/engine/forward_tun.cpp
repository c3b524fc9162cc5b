// Method tun: the way through a tunnel, and what routers on it say about the packets.
#include <algorithm>

#include "ipvs/engine/encapsulate.hpp"
#include "ipvs/engine/forwarder.hpp"
#include "ipvs/engine/rewrite.hpp"
#include "ipvs/engine/tunnel_error.hpp"

namespace lvsd::ipvs::engine {
namespace {

constexpr std::uint32_t kLeastIpv4Mtu = 68;  // RFC 791 §3.2

constexpr std::uint8_t kIcmpUnreachable = 3;
constexpr std::uint8_t kIcmpFragmentationNeeded = 4;  // code
constexpr std::uint8_t kIcmpTimeExceeded = 11;
constexpr std::uint8_t kIcmpv6TooBig = 2;
constexpr std::uint8_t kIcmpv6TimeExceeded = 3;

std::optional<QuotedTunnel> quoted_tunnel(const Packet& packet, const Frame& frame) {
  if (frame.transport_length() < 8) return std::nullopt;
  return read_quoted_tunnel({packet.data + frame.transport() + 8, frame.transport_length() - 8});
}

// The inner packet, as if the error quoted it at once.
std::optional<Frame> quoted_in(const Packet& packet, const Frame& frame, const QuotedTunnel& tunnel) {
  auto around = frame;
  around.ip_header = static_cast<std::uint16_t>(around.ip_header + tunnel.inner);
  around.v6 = (packet.data[frame.transport() + 8 + tunnel.inner] >> 4) == 6;
  return parse_quoted({packet.data, packet.length}, around);
}

// The same for all packets of a connection; for the choice among paths only, so that it needs no key.
std::uint32_t flow_of(const Frame& frame) {
  auto word = frame.source.low ^ (frame.source.high * 3) ^ (frame.destination.low * 5) ^ (frame.destination.high * 7);
  if (!frame.is_fragment()) word += (std::uint64_t{frame.source_port} << 16) | frame.destination_port;
  word = (word ^ (word >> 32)) * 0xd6e8feb86659fd93;
  return static_cast<std::uint32_t>(word >> 32);
}

// 0: it is not about size, or says nothing that can be.
std::uint32_t reported_mtu(const std::uint8_t* icmp, bool v6) {
  if (v6) return icmp[0] == kIcmpv6TooBig ? std::max(load32_host(icmp + 4), kLeastIpv6Mtu) : 0;
  const bool too_big = icmp[0] == kIcmpUnreachable && icmp[1] == kIcmpFragmentationNeeded;
  return too_big && load16_host(icmp + 6) >= kLeastIpv4Mtu ? load16_host(icmp + 6) : 0;
}

bool is_time_exceeded(const std::uint8_t* icmp, bool v6) {
  return icmp[0] == (v6 ? kIcmpv6TimeExceeded : kIcmpTimeExceeded);
}

}  // namespace

// The way's MTU becomes that of packets before they are put in; the outer source is the way out's own address, not a
// virtual one, which may move to the other director.
void Forwarder::fit_tunnel(LiveServer& server) noexcept {
  auto& way = server.way;
  const auto overhead = tunnel_overhead(server.config.options.tunnel, server.config.address.address.family());
  if (server.path_mtu != 0) way.mtu = std::min(way.mtu, server.path_mtu);
  way.mtu = way.mtu > overhead ? way.mtu - overhead : 0;
  const auto source = outer_source(way.interface, server.config.address.address.family());
  if (!source || way.mtu < kLeastIpv4Mtu) way.kind = NextHop::Kind::NoRoute;
  if (source) server.way_source = *source;
}

std::optional<base::IpAddress> Forwarder::outer_source(std::uint32_t interface, base::Family family) const noexcept {
  const auto* own = state_.next_hops.interface(interface);
  if (own == nullptr) return std::nullopt;
  const auto at = std::find_if(own->addresses.begin(), own->addresses.end(), [&](const base::IpAddress& a) {
    return a.family() == family && !a.is_link_local() && !state_.services.is_virtual(to_packet(a));
  });
  return at == own->addresses.end() ? std::nullopt : std::optional{*at};
}

Verdict Forwarder::send_tunnelled(Packet& packet, const Frame& frame, const LiveServer& server, NextHop hop) noexcept {
  const auto& tunnel = server.config.options.tunnel;
  const auto family = server.config.address.address.family();
  hop.mtu += tunnel_overhead(tunnel, family);  // longer ones leave in fragments where the way is IPv4
  const Envelope envelope{tunnel, server.way_source, server.config.address.address, flow_of(frame),
                          ++outer_identification_};
  if (!encapsulate(packet, frame.ip, frame.total_length, envelope)) return drop(DropReason::NoRoom);
  return send(packet, hop);
}

// kernel ip_vs_in_icmp, "IPIP, GUE, GRE". Only for a connection that exists, so that nobody can make the director
// believe in a small MTU, or write to others, without guessing one. None: not about a tunnel.
std::optional<Verdict> Forwarder::tunnel_error(Packet& packet, const Frame& frame) noexcept {
  const auto* const icmp = packet.data + frame.transport();
  const auto quoted = quoted_tunnel(packet, frame);
  if (!quoted || !state_.services.has_tunnel(quoted->server, quoted->tunnel)) return std::nullopt;
  auto inner = quoted_in(packet, frame, *quoted);
  if (!inner || !inner->has_ports()) return kToKernel;
  const auto tuple = Tuple::make(Tuple::Direction::Inbound, inner->protocol, inner->source, inner->source_port,
                                 inner->destination, inner->destination_port);
  const auto* connection = state_.connections.find(tuple, state_.connections.hash(tuple));
  if (connection == nullptr || to_address(state_.services.server(connection->server).address) != quoted->server)
    return kToKernel;
  if (!icmp_checksum_holds(packet.data, frame)) return drop(DropReason::Malformed);

  const auto shown = std::uint32_t{frame.ip} + frame.total_length - inner->ip;
  inner->total_length = static_cast<std::uint16_t>(std::min<std::uint32_t>(inner->total_length, shown));
  const bool may_fragment = !outer_dont_fragment(packet.data + inner->ip);
  if (const auto mtu = reported_mtu(icmp, frame.v6); mtu > quoted->inner) {
    state_.services.learn_path_mtu(quoted->server, quoted->tunnel, mtu, state_.now);
    if (may_fragment) return Verdict{Action::Drop, DropReason::None, 0, {}};  // told; there is nobody to tell
    return tell_client(packet, *inner, too_big(mtu - quoted->inner));
  }
  return tell_client(packet, *inner, is_time_exceeded(icmp, frame.v6) ? kTimeExceeded : kHostUnreachable);
}

std::optional<Frame> Forwarder::quoted_in_tunnel(const Packet& packet, const Frame& frame) const noexcept {
  const auto quoted = quoted_tunnel(packet, frame);
  if (!quoted || !state_.services.has_tunnel(quoted->server, quoted->tunnel)) return std::nullopt;
  auto inner = quoted_in(packet, frame, *quoted);
  return inner && inner->has_ports() ? inner : std::nullopt;
}

// Instead of the error that came: one about the packet inside, from the virtual address, towards the client.
Verdict Forwarder::tell_client(Packet& packet, const Frame& inner, IcmpError error) noexcept {
  const auto hop = state_.next_hops.find(to_address(inner.source));
  const auto* out = state_.next_hops.interface(hop.interface);
  const bool known = hop.kind != NextHop::Kind::NoRoute && hop.kind != NextHop::Kind::Local;
  if (!known || out == nullptr || !out->engine) return drop(DropReason::NoRoute);
  if (!icmp_limit_.take(now_) || !make_icmp_error(packet, inner, error, inner.destination))
    return {Action::Drop, DropReason::None, 0, {}};
  return send(packet, hop);
}

}  // namespace lvsd::ipvs::engine

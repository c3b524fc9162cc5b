// The way out of a packet whose connection is known: rewritten, routed, or answered by the director itself.
#include <algorithm>

#include "ipvs/engine/forwarder.hpp"
#include "ipvs/engine/network_order.hpp"
#include "ipvs/engine/rewrite.hpp"
#include "ipvs/engine/split.hpp"

namespace lvsd::ipvs::engine {
namespace {

// A path MTU is forgotten after ten minutes and learnt again where it still holds (RFC 1191 §6.3).
constexpr std::uint32_t kPathMtuMs = 600'000;

// The frame ends with the IP packet; what was padding is room. A priority tag is left out.
void trim(Packet& packet, Frame& frame) {
  if (frame.ip != kEthernetHeader) {
    const std::uint32_t tag = frame.ip - kEthernetHeader;
    std::memmove(packet.data + tag, packet.data, 12);
    packet.data += tag;
    packet.headroom += tag;
    packet.length -= tag;
    frame.ip = kEthernetHeader;
  }
  const std::uint32_t length = kEthernetHeader + frame.total_length;
  packet.tailroom += packet.length - length;
  packet.length = length;
}

Verdict towards(const NextHop& hop) {
  const bool resolved = hop.kind == NextHop::Kind::Resolved;
  return {resolved ? Action::Send : Action::AwaitNextHop, DropReason::None, hop.interface, hop.address};
}

// SCTP's checksum covers the ports and all that follows: of a fragment it cannot be made anew.
bool cannot_be_rewritten(const Frame& frame, const Connection& c) {
  const bool ports_change = c.server_port != c.virtual_port || (c.flags & Connection::kFullnat) != 0;
  return frame.kind == FrameKind::Sctp && frame.more_fragments && c.nat() && ports_change;
}

}  // namespace

Verdict Forwarder::to_server(Packet& packet, Frame frame, Connection& connection) noexcept {
  if (cannot_be_rewritten(frame, connection)) return drop(DropReason::Fragment);
  auto& server = state_.services.server(connection.server);
  trim(packet, frame);
  complete_checksum(packet.data, frame);
  const auto& hop = way_to(server);
  if (connection.fullnat()) return send_fullnat(packet, frame, connection, hop);
  if (const auto refused = route(packet, frame, hop, frame.destination)) return *refused;
  if (server.tunnelled) return send_tunnelled(packet, frame, server, hop);
  if (connection.nat()) rewrite_to_server(packet, frame, connection);
  const auto sent = send(packet, hop);
  if (sent.action == Action::Send) offload_.consider(connection, FAST_INBOUND, hop);
  return sent;
}

Verdict Forwarder::to_client(Packet& packet, Frame frame, Connection& connection) noexcept {
  if (cannot_be_rewritten(frame, connection)) return drop(DropReason::Fragment);
  trim(packet, frame);
  complete_checksum(packet.data, frame);
  const auto client = connection.fullnat() ? state_.connections.ends(connection).client : frame.destination;
  const auto hop = state_.next_hops.find(to_address(client));
  if (const auto refused = route(packet, frame, hop, own_address(packet.interface, frame.v6))) return *refused;
  rewrite_to_client(packet, frame, connection);
  if (connection.fullnat()) hide_notice(packet, frame, connection);
  const auto sent = send(packet, hop);
  if (sent.action == Action::Send) offload_.consider(connection, FAST_REPLY, hop);
  return sent;
}

void Forwarder::rewrite_to_server(Packet& packet, const Frame& frame, const Connection& connection) noexcept {
  const auto ends = state_.connections.ends(connection);
  if (frame.kind == FrameKind::IcmpError) return rewrite_error_to_server(packet, frame, connection, ends);
  if (!frame.has_ports()) {
    write_end(packet.data, frame, End::Destination, ends.server, 0);
    if (connection.fullnat()) write_end(packet.data, frame, End::Source, ends.local, 0);
    return;
  }
  rewrite_end(packet.data, frame, End::Destination, ends.server, connection.server_port);
  if (connection.fullnat()) rewrite_end(packet.data, frame, End::Source, ends.local, connection.local_port);
}

void Forwarder::rewrite_to_client(Packet& packet, const Frame& frame, const Connection& connection) noexcept {
  const auto ends = state_.connections.ends(connection);
  if (frame.kind == FrameKind::IcmpError) return rewrite_error_to_client(packet, frame, connection, ends);
  if (!frame.has_ports()) {
    write_end(packet.data, frame, End::Source, ends.virtual_address, 0);
    if (connection.fullnat()) write_end(packet.data, frame, End::Destination, ends.client, 0);
    return;
  }
  rewrite_end(packet.data, frame, End::Source, ends.virtual_address, connection.virtual_port);
  if (connection.fullnat()) rewrite_end(packet.data, frame, End::Destination, ends.client, connection.client_port);
}

const NextHop& Forwarder::way_to(LiveServer& server) noexcept {
  if (server.path_mtu != 0 && state_.now - server.path_mtu_since >= kPathMtuMs) {
    server.path_mtu = 0;
    server.way_generation = 0;
  }
  if (server.way_generation != state_.next_hops.generation()) {
    const auto address = to_address(server.address);
    const bool by_route = server.nat || server.tunnelled;
    server.way = by_route ? state_.next_hops.find(address) : state_.next_hops.find_on_link(address);
    if (server.tunnelled) fit_tunnel(server);
    server.way_generation = state_.next_hops.generation();
  }
  return server.way;
}

// In the order of the kernel: route, time to live, size.
std::optional<Verdict> Forwarder::route(Packet& packet, const Frame& frame, const NextHop& hop,
                                        const WireAddress& error_source, std::uint32_t growth) noexcept {
  const auto* out = state_.next_hops.interface(hop.interface);
  const bool known = hop.kind != NextHop::Kind::NoRoute && hop.kind != NextHop::Kind::Local;
  if (!known || out == nullptr || !out->engine) {
    return icmp(packet, frame, DropReason::NoRoute, kHostUnreachable, error_source);
  }
  if (ttl(packet.data, frame) <= 1) return icmp(packet, frame, DropReason::TtlExceeded, kTimeExceeded, error_source);
  decrement_ttl(packet.data, frame);
  // No IPv6 sender goes below 1280 (RFC 8200 §5): a tunnel over IPv4 has to carry that in fragments.
  const auto limit = std::max(hop.mtu - growth, frame.v6 ? kLeastIpv6Mtu : 0);
  if (frame.total_length > limit && dont_fragment(packet.data, frame))
    return icmp(packet, frame, DropReason::TooBig, too_big(limit), error_source);
  return std::nullopt;
}

// A next hop that failed is asked for again, as the kernel does: whoever holds the packet gives up on it.
Verdict Forwarder::send(Packet& packet, const NextHop& hop) noexcept {
  write_macs(packet.data, hop.destination, hop.source);
  if (packet.length - kEthernetHeader > hop.mtu) return split(packet, hop.mtu, towards(hop));
  return towards(hop);
}

// The first fragment takes the packet's place, the others leave besides it. Rare: what is large has DF.
Verdict Forwarder::split(Packet& packet, std::uint32_t mtu, const Verdict& verdict) {
  if ((packet.data[kEthernetHeader] >> 4) != 4) return drop(DropReason::TooBig);
  Split pieces{{packet.data + kEthernetHeader, packet.length - kEthernetHeader}, mtu};
  std::vector<std::vector<std::uint8_t>> frames;
  while (const auto length = pieces.next_length()) {
    auto& frame = frames.emplace_back(packet.data, packet.data + kEthernetHeader);
    frame.resize(kEthernetHeader + length);
    pieces.write_next(frame.data() + kEthernetHeader);
  }
  const auto first = static_cast<std::uint32_t>(frames.front().size());
  std::memcpy(packet.data, frames.front().data(), first);
  packet.tailroom += packet.length - first;
  packet.length = first;
  for (std::size_t i = 1; i < frames.size(); ++i) state_.extra_frames.push_back({std::move(frames[i]), verdict});
  return verdict;
}

Verdict Forwarder::drop(DropReason reason) noexcept {
  ++state_.drops[static_cast<std::size_t>(reason)];
  return {Action::Drop, reason, 0, {}};
}

Verdict Forwarder::icmp(Packet& packet, const Frame& frame, DropReason reason, IcmpError error,
                        const WireAddress& source) noexcept {
  auto verdict = drop(reason);
  // RFC 1812 §4.3.2.7, RFC 4443 §2.4 e: never about an error or a later fragment.
  if (frame.kind < FrameKind::Ipsec || source == WireAddress{} || !icmp_limit_.take(now_) ||
      !make_icmp_error(packet, frame, error, source))
    return verdict;
  verdict.action = Action::Send;
  verdict.interface = packet.interface;
  return verdict;
}

Verdict Forwarder::reset(Packet& packet, const Frame& frame) noexcept {
  auto verdict = drop(DropReason::NoConnection);
  if ((frame.tcp_flags & kTcpRst) != 0 || !reset_limit_.take(now_) || !make_reset(packet, frame)) return verdict;
  verdict.action = Action::Send;
  verdict.interface = packet.interface;
  return verdict;
}

// The interface's first address of the family that is not link-local, or none.
WireAddress Forwarder::own_address(std::uint32_t interface, bool v6) const noexcept {
  const auto* own = state_.next_hops.interface(interface);
  if (own == nullptr) return {};
  const auto fits = [v6](const base::IpAddress& a) { return a.is_v4() != v6 && !(v6 && a.is_link_local()); };
  const auto at = std::find_if(own->addresses.begin(), own->addresses.end(), fits);
  return at == own->addresses.end() ? WireAddress{} : to_packet(*at);
}

}  // namespace lvsd::ipvs::engine

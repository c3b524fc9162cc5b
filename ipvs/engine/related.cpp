// Packets that belong to a connection without having its ports: ICMP errors about it, the fragments behind a first one,
// and what two hosts encrypt with the keys that they exchanged on it.
#include <utility>

#include "ipvs/engine/forwarder.hpp"
#include "ipvs/engine/rewrite.hpp"

namespace lvsd::ipvs::engine {
namespace {

// What a connection is looked up by.
struct Key {
  std::uint8_t protocol = 0;
  std::uint16_t source = 0;
  std::uint16_t destination = 0;
};

// AH and ESP have no ports: they belong to the connection by which the hosts exchange their keys (ISAKMP, RFC 2408
// §2.5.1; kernel ip_vs_proto_ah_esp).
Key key_of(const Frame& frame) {
  constexpr std::uint8_t kUdp = 17;
  constexpr std::uint16_t kIsakmp = swap_port(500);
  if (frame.kind == FrameKind::Ipsec || is_ipsec(frame.protocol)) return {kUdp, kIsakmp, kIsakmp};
  return {frame.protocol, frame.source_port, frame.destination_port};
}

}  // namespace

// Also of fragments: their addresses are enough.
Verdict Forwarder::ipsec(Packet& packet, const Frame& frame) noexcept {
  const auto key = key_of(frame);
  const bool inbound = state_.services.is_virtual(frame.destination);
  const auto tuple = inbound ? Tuple::make(Tuple::Direction::Inbound, key.protocol, frame.source, key.source,
                                           frame.destination, key.destination)
                             : Tuple::make(Tuple::Direction::Reply, key.protocol, frame.destination, key.destination,
                                           frame.source, key.source);
  auto* connection = state_.connections.find(tuple, state_.connections.hash(tuple));
  // Under a local address nobody could tell the clients' replies apart.
  if (connection == nullptr || connection->fullnat()) return kToKernel;
  state_.refresh(*connection);
  if (state_.is_expired(*connection)) {
    state_.end(*connection);
    return kToKernel;
  }
  const auto from_client = connection->nat() ? Seen::FromClient : Seen::FromClientOnly;
  account(*connection, packet, frame, inbound ? from_client : Seen::FromServer);
  return inbound ? to_server(packet, frame, *connection) : to_client(packet, frame, *connection);
}

Verdict Forwarder::first_fragment(Packet& packet, const Work& work) noexcept {
  const auto verdict = find_and_forward(packet, work);
  const bool gone = verdict.action == Action::Drop || verdict.reason != DropReason::None;
  if (gone || verdict.action == Action::ToKernel) return verdict;
  state_.fragments.remember(work.frame, work.tuple, state_.now);
  for (auto& held : state_.fragments.release(work.frame)) {
    Packet later{held.bytes.data() + held.start, held.length, held.start, 0, held.interface};
    const auto outcome = later_fragment(later, parse({later.data, later.length}));
    if (outcome.action != Action::Drop)
      state_.extra_frames.push_back({{later.data, later.data + later.length}, outcome});
  }
  return verdict;
}

Verdict Forwarder::later_fragment(Packet& packet, const Frame& frame) noexcept {
  if (is_ipsec(frame.protocol)) return ipsec(packet, frame);
  const auto* first = state_.fragments.find(frame, state_.now);
  if (first == nullptr) {
    if (!state_.services.is_virtual(frame.destination)) return kToKernel;
    // It came before its first one: kept until that comes. What is kept too long is counted then.
    const bool held = state_.fragments.hold(packet, frame, state_.now);
    return held ? Verdict{Action::Drop, DropReason::None, 0, {}} : drop(DropReason::Fragment);
  }
  auto* connection = state_.connections.find(*first, state_.connections.hash(*first));
  if (connection == nullptr) return drop(DropReason::Fragment);
  const bool reply = first->direction() == Tuple::Direction::Reply;
  account(*connection, packet, frame, reply ? Seen::FromServer : Seen::FromClient);
  return reply ? to_client(packet, frame, *connection) : to_server(packet, frame, *connection);
}

// kernel ip_vs_in_icmp, ip_vs_out_icmp. An error that comes from the clients' side quotes what the virtual address
// sent; one from the servers' side what the director sent to a server. It does not keep a connection alive.
Verdict Forwarder::related_error(Packet& packet, const Frame& frame) noexcept {
  if (const auto verdict = tunnel_error(packet, frame)) return *verdict;
  const auto quoted = parse_quoted({packet.data, packet.length}, frame);
  if (!quoted || quoted->kind == FrameKind::Other) return kToKernel;
  const auto key = key_of(*quoted);
  const bool from_client = state_.services.is_virtual(quoted->source);
  const auto tuple = from_client ? Tuple::make(Tuple::Direction::Inbound, key.protocol, quoted->destination,
                                               key.destination, quoted->source, key.source)
                                 : Tuple::make(Tuple::Direction::Reply, key.protocol, quoted->source, key.source,
                                               quoted->destination, key.destination);
  auto* connection = state_.connections.find(tuple, state_.connections.hash(tuple));
  const bool schedules = from_client && state_.policy.schedule_icmp && quoted->has_ports();
  if (connection == nullptr && !schedules) return kToKernel;
  if (!icmp_checksum_holds(packet.data, frame)) return drop(DropReason::Malformed);
  if (connection == nullptr) {
    auto reason = DropReason::None;
    connection = open_for_error(packet, *quoted, reason);
    if (reason != DropReason::None) return drop(reason);
    if (connection == nullptr) return kToKernel;
  }
  count(*connection, frame, from_client ? Seen::FromClient : Seen::FromServer);
  return from_client ? to_server(packet, frame, *connection) : to_client(packet, frame, *connection);
}

// Where the quoted packet's client would go now (kernel schedule_icmp): where several directors share the traffic, the
// error may come to another one than the connection.
Connection* Forwarder::open_for_error(const Packet& packet, const Frame& quoted, DropReason& reason) noexcept {
  auto* service = state_.services.find(quoted.protocol, quoted.source, quoted.source_port);
  if (service == nullptr || (service->config.options.one_packet && quoted.kind == FrameKind::Udp)) return nullptr;
  auto asked = quoted;
  std::swap(asked.source, asked.destination);
  std::swap(asked.source_port, asked.destination_port);
  asked.total_length = static_cast<std::uint16_t>(asked.ip_header + 8);  // no more than that is known to be there
  if (is_impossible_source(asked.source, asked.v6) || state_.services.is_virtual(asked.source)) {
    reason = DropReason::Spoofed;
    return nullptr;
  }
  return opening_.open(*service, packet, asked, now_, reason);
}

// The server learns of it as if it had talked to the client itself; with fullnat, to the local address.
void Forwarder::rewrite_error_to_server(Packet& packet, const Frame& frame, const Connection& c,
                                        const Ends& ends) noexcept {
  const auto quoted = parse_quoted({packet.data, packet.length}, frame);
  if (!quoted) return;
  write_end(packet.data, frame, End::Destination, ends.server, 0);
  write_end(packet.data, *quoted, End::Source, ends.server, c.server_port);
  if ((c.flags & Connection::kFullnat) != 0) {
    write_end(packet.data, *quoted, End::Destination, ends.local, c.local_port);
  }
  write_icmp_checksum(packet.data, frame);
}

// Whatever is behind the director, the client hears of the virtual address alone.
void Forwarder::rewrite_error_to_client(Packet& packet, const Frame& frame, const Connection& c,
                                        const Ends& ends) noexcept {
  const auto quoted = parse_quoted({packet.data, packet.length}, frame);
  if (!quoted) return;
  write_end(packet.data, frame, End::Source, ends.virtual_address, 0);
  write_end(packet.data, *quoted, End::Destination, ends.virtual_address, c.virtual_port);
  if ((c.flags & Connection::kFullnat) != 0) {
    write_end(packet.data, frame, End::Destination, ends.client, 0);
    write_end(packet.data, *quoted, End::Source, ends.client, c.client_port);
  }
  write_icmp_checksum(packet.data, frame);
}

}  // namespace lvsd::ipvs::engine

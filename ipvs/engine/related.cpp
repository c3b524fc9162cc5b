// Packets that belong to a connection without having its ports: ICMP errors about it, and the fragments behind a first
// one.
#include "ipvs/engine/forwarder.hpp"
#include "ipvs/engine/rewrite.hpp"

namespace lvsd::ipvs::engine {

Verdict Forwarder::first_fragment(Packet& packet, const Work& work) noexcept {
  const auto verdict = find_and_forward(packet, work);
  const bool gone = verdict.action == Action::Drop || verdict.reason != DropReason::None;
  if (gone || verdict.action == Action::ToKernel) return verdict;
  state_.fragments.remember(work.frame, work.tuple, stamp_);
  for (auto& held : state_.fragments.release(work.frame)) {
    Packet later{held.bytes.data() + held.start, held.length, held.start, 0, held.interface};
    const auto outcome = later_fragment(later, parse({later.data, later.length}));
    if (outcome.action != Action::Drop)
      state_.extra_frames.push_back({{later.data, later.data + later.length}, outcome});
  }
  return verdict;
}

Verdict Forwarder::later_fragment(Packet& packet, const Frame& frame) noexcept {
  const auto* first = state_.fragments.find(frame, stamp_);
  if (first == nullptr) {
    if (!state_.services.is_virtual(frame.destination)) return kToKernel;
    // It came before its first one: kept until that comes. What is kept too long is counted then.
    const bool held = state_.fragments.hold(packet, frame, stamp_);
    return held ? Verdict{Action::Drop, DropReason::None, 0, {}} : drop(DropReason::Fragment);
  }
  auto* connection = state_.connections.find(*first, state_.connections.hash(*first));
  if (connection == nullptr) return drop(DropReason::Fragment);
  const bool reply = first->direction() == Tuple::Direction::Reply;
  account(*connection, frame, reply ? Seen::FromServer : Seen::FromClient);
  return reply ? to_client(packet, frame, *connection) : to_server(packet, frame, *connection);
}

// kernel ip_vs_in_icmp, ip_vs_out_icmp. An error that comes from the clients' side quotes what the virtual address
// sent; one from the servers' side what the director sent to a server. It does not keep a connection alive.
Verdict Forwarder::related_error(Packet& packet, const Frame& frame) noexcept {
  const auto quoted = parse_quoted({packet.data, packet.length}, frame);
  if (!quoted || !quoted->has_ports()) return kToKernel;
  const bool from_client = state_.services.is_virtual(quoted->source);
  const auto tuple = from_client ? Tuple::make(Tuple::Direction::Inbound, quoted->protocol, quoted->destination,
                                               quoted->destination_port, quoted->source, quoted->source_port)
                                 : Tuple::make(Tuple::Direction::Reply, quoted->protocol, quoted->source,
                                               quoted->source_port, quoted->destination, quoted->destination_port);
  auto* connection = state_.connections.find(tuple, state_.connections.hash(tuple));
  if (connection == nullptr) return kToKernel;
  if (!icmp_checksum_holds(packet.data, frame)) return drop(DropReason::Malformed);
  count(*connection, frame, from_client ? Seen::FromClient : Seen::FromServer);
  return from_client ? to_server(packet, frame, *connection) : to_client(packet, frame, *connection);
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

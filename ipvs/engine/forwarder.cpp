#include "ipvs/engine/forwarder.hpp"

#include <algorithm>
#include <new>

#include "ipvs/engine/network_order.hpp"
#include "ipvs/engine/rewrite.hpp"
#include "ipvs/engine/sctp_state.hpp"
#include "ipvs/engine/tcp_state.hpp"

namespace lvsd::ipvs::engine {

void Forwarder::forward(std::span<Packet> packets, std::span<Verdict> verdicts, base::TimePoint now) noexcept {
  now_ = now;
  state_.now = stamp(now);
  for (std::size_t first = 0; first < packets.size(); first += kBatch) {
    const auto count = std::min(kBatch, packets.size() - first);
    make_room_for_changes(count);
    for (std::size_t i = 0; i < std::min<std::size_t>(count, 8); ++i) __builtin_prefetch(packets[first + i].data);
    for (std::size_t i = 0; i < count; ++i) {
      if (i + 8 < count) __builtin_prefetch(packets[first + i + 8].data);
      prepare(packets[first + i], work_[i]);
    }
    for (std::size_t i = 0; i < count; ++i) {
      auto& work = work_[i];
      if (work.lookup) work.likely = state_.connections.prefetch_connection(work.tuple, work.hash);
    }
    // In place: a copy would have to wait for the fields just written.
    for (std::size_t i = 0; i < count; ++i) ::new (&verdicts[first + i]) Verdict(decide(packets[first + i], work_[i]));
  }
}

// A packet ends four connections, begins one and announces one at most. Doubles, as the caller may not take the changes
// after every batch.
void Forwarder::make_room_for_changes(std::size_t packets) noexcept {
  auto& changes = state_.flow_changes;
  const auto needed = changes.size() + 6 * packets;
  if (changes.capacity() < needed) changes.reserve(std::max(needed, 2 * changes.capacity()));
}

void Forwarder::prepare(const Packet& packet, Work& work) const noexcept {
  parse({packet.data, packet.length}, work.frame);
  const auto& f = work.frame;
  work.lookup = f.has_ports();
  if (state_.division.several()) {
    work.worker = static_cast<std::uint8_t>(owner(packet, f));
    work.lookup = work.lookup && work.worker == state_.division.mine();
  }
  if (!work.lookup) return;
  work.tuple = state_.is_virtual(f.destination) ? Tuple::make(Tuple::Direction::Inbound, f.protocol, f.source,
                                                              f.source_port, f.destination, f.destination_port)
                                                : Tuple::make(Tuple::Direction::Reply, f.protocol, f.destination,
                                                              f.destination_port, f.source, f.source_port);
  work.hash = state_.connections.hash(work.tuple);
  state_.connections.prefetch_index(work.hash);
}

Verdict Forwarder::decide(Packet& packet, const Work& work) noexcept {
  if (work.worker != state_.division.mine()) return {Action::HandOver, DropReason::None, 0, {}, work.worker};
  switch (work.frame.kind) {
    case FrameKind::Other:
      return kToKernel;
    case FrameKind::Malformed:
      return drop(DropReason::Malformed);
    case FrameKind::Options:
      return drop(DropReason::IpOptions);
    case FrameKind::Fragment:
      return later_fragment(packet, work.frame);
    case FrameKind::IcmpError:
      return related_error(packet, work.frame);
    case FrameKind::Ipsec:
      return ipsec(packet, work.frame);
    case FrameKind::Tcp:
    case FrameKind::Udp:
    case FrameKind::Sctp:
      break;
  }
  return work.frame.more_fragments ? first_fragment(packet, work) : find_and_forward(packet, work);
}

Verdict Forwarder::find_and_forward(Packet& packet, const Work& work) noexcept {
  return work.tuple.direction() == Tuple::Direction::Reply ? reply(packet, work) : inbound(packet, work);
}

Verdict Forwarder::inbound(Packet& packet, const Work& work) noexcept {
  const auto& frame = work.frame;
  auto* connection = state_.connections.find(work.tuple, work.hash, work.likely);
  if (connection != nullptr) state_.refresh(*connection);
  if (connection != nullptr && opening_.gives_way(*connection, packet, frame)) {
    state_.end(*connection);
    connection = nullptr;
  }
  if (connection == nullptr && !state_.expectations.empty()) connection = data_connections_.open(frame);
  if (connection == nullptr) {
    auto* service = state_.services.find(frame.protocol, frame.destination, frame.destination_port);
    if (service == nullptr) return unserved(packet, frame);
    if (is_impossible_source(frame.source, frame.v6) || state_.services.is_virtual(frame.source))
      return drop(DropReason::Spoofed);
    if (!opening_.begins(packet, frame)) {
      return frame.kind == FrameKind::Tcp ? reset(packet, frame) : drop(DropReason::NoConnection);
    }
    auto reason = DropReason::None;
    const bool one_packet = service->config.options.one_packet && frame.kind == FrameKind::Udp;
    connection = one_packet ? opening_.open_for_one(*service, packet, frame, now_, one_packet_, reason)
                            : opening_.open(*service, packet, frame, now_, reason);
    if (reason == DropReason::NoServer) return icmp(packet, frame, reason, kPortUnreachable, frame.destination);
    if (connection == nullptr) return drop(reason);
  }
  account(*connection, packet, frame, connection->nat() ? Seen::FromClient : Seen::FromClientOnly);
  if ((connection->flags & Connection::kFtp) != 0) data_connections_.heard_client(*connection, packet, frame);
  return to_server(packet, frame, *connection);
}

// A listener that was taken away answers for its last connections only. What never was one is the kernel's.
Verdict Forwarder::unserved(Packet& packet, const Frame& frame) noexcept {
  if (!state_.services.listener_index().lingers(frame.protocol, frame.destination, frame.destination_port))
    return kToKernel;
  if (frame.kind == FrameKind::Tcp) return reset(packet, frame);
  return icmp(packet, frame, DropReason::NoService, kPortUnreachable, frame.destination);
}

void Forwarder::account(Connection& connection, const Packet& packet, const Frame& frame, Seen seen) noexcept {
  connection.last_seen = state_.now;
  if (frame.kind == FrameKind::Tcp) {
    const auto next = next_state(connection.state, frame.tcp_flags, seen, state_.policy.secure_tcp);
    if (next != connection.state) state_.enter(connection, next);
  } else if (frame.kind == FrameKind::Sctp) {
    const auto next = next_state(connection.state, sctp_event(transport_of(packet.data, frame)), seen);
    if (next != connection.state) state_.enter(connection, next);
  } else if (seen == Seen::FromServer && (connection.flags & Connection::kReplied) == 0) {
    state_.assure(connection);
  }
  if (seen == Seen::FromServer) {
    connection.flags |= Connection::kReplied;
  } else if (connection.in_packets != ~0u) {
    ++connection.in_packets;
  }
  count(connection, frame, seen);
}

void Forwarder::count(const Connection& connection, const Frame& frame, Seen seen) noexcept {
  auto& counters = *state_.services.server(connection.server).counters;
  if (seen == Seen::FromServer) {
    ++counters.out_packets;
    counters.out_bytes += frame.total_length;
  } else {
    ++counters.in_packets;
    counters.in_bytes += frame.total_length;
  }
}

Verdict Forwarder::reply(Packet& packet, const Work& work) noexcept {
  auto* connection = state_.connections.find(work.tuple, work.hash, work.likely);
  if (connection == nullptr) return kToKernel;
  state_.refresh(*connection);
  if (state_.is_expired(*connection)) {
    state_.end(*connection);
    return kToKernel;
  }
  account(*connection, packet, work.frame, Seen::FromServer);
  if ((connection->flags & Connection::kFtp) != 0) data_connections_.heard_server(*connection, packet, work.frame);
  return to_client(packet, work.frame, *connection);
}

}  // namespace lvsd::ipvs::engine

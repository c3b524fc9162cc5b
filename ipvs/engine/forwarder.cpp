#include "ipvs/engine/forwarder.hpp"

#include <algorithm>
#include <array>

#include "ipvs/engine/network_order.hpp"
#include "ipvs/engine/rewrite.hpp"

namespace lvsd::ipvs::engine {
namespace {

// Addresses no packet can come from: RFC 1812 §5.3.7 (0/8, 127/8, 224/4, 255.255.255.255), and for IPv6 the
// unspecified, loopback, IPv4-mapped and multicast ones, and link-local ones, which no router forwards (RFC 4291
// §2.5.6).
bool is_impossible_source(const WireAddress& address, bool v6) {
  if (v6) {
    std::array<std::uint8_t, 16> bytes{};
    address.store_v6(bytes.data());
    const bool link_local = bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;
    const bool low = address.high == 0 && load32(&bytes[8]) == 0;  // ::/96
    return bytes[0] == 0xff || link_local || low || address.is_v4();
  }
  const auto host = swap_address(address.v4());
  const auto first = host >> 24;
  return first == 0 || first == 127 || (first >= 224 && first < 240) || host == 0xffffffff;
}

bool has(const Frame& frame, std::uint8_t flag) { return (frame.tcp_flags & flag) != 0; }

}  // namespace

void Forwarder::forward(std::span<Packet> packets, std::span<Verdict> verdicts, base::TimePoint now) noexcept {
  now_ = now;
  stamp_ = stamp(now);
  std::array<Work, kBatch> work;
  for (std::size_t first = 0; first < packets.size(); first += kBatch) {
    const auto count = std::min(kBatch, packets.size() - first);
    make_room_for_changes(count);
    for (std::size_t i = 0; i < std::min<std::size_t>(count, 8); ++i) __builtin_prefetch(packets[first + i].data);
    for (std::size_t i = 0; i < count; ++i) {
      if (i + 8 < count) __builtin_prefetch(packets[first + i + 8].data);
      prepare(packets[first + i], work[i]);
    }
    for (std::size_t i = 0; i < count; ++i) {
      if (work[i].lookup) state_.connections.prefetch_connection(work[i].tuple, work[i].hash);
    }
    for (std::size_t i = 0; i < count; ++i) verdicts[first + i] = decide(packets[first + i], work[i]);
  }
}

// A packet ends one connection and begins one at most. Doubles, as the caller may not take the changes after every
// batch.
void Forwarder::make_room_for_changes(std::size_t packets) noexcept {
  auto& changes = state_.flow_changes;
  const auto needed = changes.size() + 2 * packets;
  if (changes.capacity() < needed) changes.reserve(std::max(needed, 2 * changes.capacity()));
}

void Forwarder::prepare(const Packet& packet, Work& work) const noexcept {
  work.frame = parse({packet.data, packet.length});
  const auto& f = work.frame;
  work.lookup = f.has_ports();
  if (!work.lookup) return;
  work.tuple = state_.services.is_virtual(f.destination)
                   ? Tuple::make(Tuple::Direction::Inbound, f.protocol, f.source, f.source_port, f.destination,
                                 f.destination_port)
                   : Tuple::make(Tuple::Direction::Reply, f.protocol, f.destination, f.destination_port, f.source,
                                 f.source_port);
  work.hash = state_.connections.hash(work.tuple);
  state_.connections.prefetch_index(work.hash);
}

Verdict Forwarder::decide(Packet& packet, const Work& work) noexcept {
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
  auto* connection = state_.connections.find(work.tuple, work.hash);
  if (connection != nullptr && gives_way(*connection, frame)) {
    state_.end(*connection);
    connection = nullptr;
  }
  if (connection == nullptr) {
    auto* service = state_.services.find(frame.protocol, frame.destination, frame.destination_port);
    if (service == nullptr) return kToKernel;
    if (is_impossible_source(frame.source, frame.v6) || state_.services.is_virtual(frame.source))
      return drop(DropReason::Spoofed);
    // Only a SYN that is not a reset begins a TCP connection.
    if (frame.kind == FrameKind::Tcp && (!has(frame, kTcpSyn) || has(frame, kTcpRst))) return reset(packet, frame);
    auto reason = DropReason::None;
    connection = open(*service, frame, reason);
    if (reason == DropReason::NoServer) return icmp(packet, frame, reason, kPortUnreachable, frame.destination);
    if (connection == nullptr) return drop(reason);
  }
  account(*connection, frame, connection->nat() ? Seen::FromClient : Seen::FromClientOnly);
  return to_server(packet, frame, *connection);
}

// Whether the packet is better served by a new connection than by the one that is there.
bool Forwarder::gives_way(const Connection& connection, const Frame& frame) const noexcept {
  if (state_.is_expired(connection, stamp_)) return true;
  const auto& server = state_.services.server(connection.server);
  if (frame.kind == FrameKind::Udp) return server.config.down;
  if (!has(frame, kTcpSyn)) return false;
  // The client uses its port again: conn_reuse_mode 1, and its bit 2 where the server's FIN cannot be seen (kernel
  // ip_vs_core.c, is_new_conn_expected).
  if (connection.state == State::TimeWait || connection.state == State::Close) return true;
  if (connection.state == State::FinWait && !connection.nat()) return true;
  return !has(frame, kTcpRst) && server.closed_to_new();
}

Connection* Forwarder::open(LiveService& service, const Frame& frame, DropReason& reason) noexcept {
  const auto slot = state_.services.schedule(
      service, {to_endpoint(frame.source, frame.source_port), to_address(frame.destination), now_});
  if (slot == kNoSlot) {
    reason = DropReason::NoServer;
    return nullptr;
  }
  const auto& server = state_.services.server(slot);
  Ends ends{frame.source, frame.destination, {}, {}};
  if (server.address.is_v4() != frame.v6) ends.server = server.address;
  Connection c;
  c.client_port = frame.source_port;
  c.virtual_port = frame.destination_port;
  c.server_port = server.port != 0 ? server.port : frame.destination_port;
  c.protocol = frame.protocol;
  c.state = frame.kind == FrameKind::Udp ? State::Udp : State::None;
  c.flags = server.nat ? Connection::kNat : std::uint16_t{0};
  c.server = slot;
  c.last_seen = stamp_;
  auto* connection = state_.begin(c, ends);
  if (connection == nullptr) reason = DropReason::TableFull;
  return connection;
}

void Forwarder::account(Connection& connection, const Frame& frame, Seen seen) noexcept {
  connection.last_seen = stamp_;
  if (frame.kind == FrameKind::Tcp) {
    const auto next = next_state(connection.state, frame.tcp_flags, seen);
    if (next != connection.state) state_.enter(connection, next);
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
  auto* connection = state_.connections.find(work.tuple, work.hash);
  if (connection == nullptr) return kToKernel;
  if (state_.is_expired(*connection, stamp_)) {
    state_.end(*connection);
    return kToKernel;
  }
  account(*connection, work.frame, Seen::FromServer);
  return to_client(packet, work.frame, *connection);
}

}  // namespace lvsd::ipvs::engine

#include "ipvs/engine/opening.hpp"

#include <span>

#include "ipvs/engine/local_ports.hpp"
#include "ipvs/engine/persistence.hpp"
#include "ipvs/engine/sctp_state.hpp"

namespace lvsd::ipvs::engine {
namespace {

constexpr std::uint32_t kUdpHeader = 8;
constexpr std::uint16_t kFtpPort = swap_port(21);

bool has(const Frame& frame, std::uint8_t flag) { return (frame.tcp_flags & flag) != 0; }

bool is_init(const Packet& packet, const Frame& frame) {
  return frame.kind == FrameKind::Sctp && sctp_event(transport_of(packet.data, frame)) == SctpEvent::Init;
}

}  // namespace

bool Opening::begins(const Packet& packet, const Frame& frame) const noexcept {
  switch (frame.kind) {
    case FrameKind::Tcp:
      return !has(frame, kTcpRst) && (has(frame, kTcpSyn) || state_.policy.sloppy_tcp);
    case FrameKind::Sctp: {
      const auto event = sctp_event(transport_of(packet.data, frame));
      return event == SctpEvent::Init || (state_.policy.sloppy_sctp && event != SctpEvent::Abort);
    }
    default:
      return frame.kind == FrameKind::Udp;
  }
}

bool Opening::is_better_elsewhere(const Connection& connection, const Packet& packet,
                                  const Frame& frame) const noexcept {
  const auto& server = state_.services.server(connection.server);
  if (server.draining && state_.policy.expire_nodest_conn) return true;
  if (frame.kind == FrameKind::Udp) {
    if (server.config.down) return true;
    // A client that never pauses would keep a removed server for ever.
    const auto drained = static_cast<std::int32_t>(state_.now - server.drained_at);
    return server.draining && server.drained_at != 0 && drained >= state_.limits.of(State::Udp);
  }
  const bool starts = frame.kind == FrameKind::Tcp ? has(frame, kTcpSyn) : is_init(packet, frame);
  if (!starts) return false;
  return client_reuses(connection, frame) || (!has(frame, kTcpRst) && server.closed_to_new());
}

// The client uses its port again (kernel ip_vs_core.c, is_new_conn_expected).
bool Opening::client_reuses(const Connection& connection, const Frame& frame) const noexcept {
  const auto mode = state_.policy.conn_reuse_mode;
  if ((mode & 1) != 0) {
    if (frame.kind == FrameKind::Sctp) return connection.state == State::SctpClosed;
    if (connection.state == State::TimeWait || connection.state == State::Close) return true;
  }
  return (mode & 2) != 0 && connection.state == State::FinWait && !connection.nat();
}

Connection Opening::draft(const Frame& frame, std::uint32_t slot, Ends& ends) const noexcept {
  const auto& server = state_.services.server(slot);
  ends = {frame.source, frame.destination, {}, {}};
  if (server.address.is_v4() != frame.v6) ends.server = server.address;
  Connection c;
  c.client_port = frame.source_port;
  c.virtual_port = frame.destination_port;
  c.server_port = server.port != 0 ? server.port : frame.destination_port;
  c.protocol = frame.protocol;
  c.state = first_state(frame.protocol);
  c.flags = server.nat ? Connection::kNat : std::uint16_t{0};
  const bool translated = server.config.method == Method::Nat || server.fullnat;
  if (translated && frame.kind == FrameKind::Tcp && frame.destination_port == kFtpPort) c.flags |= Connection::kFtp;
  c.server = slot;
  c.last_seen = state_.now;
  return c;
}

bool Opening::choose_local(const LiveService& service, LiveServer& server, const Frame& frame, Connection& c,
                           Ends& ends) noexcept {
  const auto& addresses = ends.client.is_v4() ? service.local_v4 : service.local_v6;
  if (addresses.empty()) return false;
  if (server.next_local == 0) server.next_local = state_.now * 0x9e3779b1u;  // not where the last process began
  const auto is_free = [&](const LocalPort& local) {
    const auto tuple = Tuple::make(Tuple::Direction::Reply, c.protocol, addresses[local.address], swap_port(local.port),
                                   ends.server, c.server_port);
    return state_.connections.find(tuple, state_.connections.hash(tuple)) == nullptr;
  };
  const auto local = find_local_port(server.next_local, static_cast<std::uint32_t>(addresses.size()), is_free,
                                     state_.division.ports());
  if (!local) return false;
  ends.local = addresses[local->address];
  c.local_port = swap_port(local->port);
  c.flags |= Connection::kNat | Connection::kFullnat;
  const auto how = server.config.options.client_address;
  // In the middle of a stream (sloppy_tcp) there is no place for it.
  if (!has(frame, kTcpSyn) || how == ClientAddress::Hidden) return true;
  c.flags |= Connection::kNotice;
  if (how == ClientAddress::ProxyProtocol) c.flags |= Connection::kProxied;
  return true;
}

Connection* Opening::open(LiveService& service, const Packet& packet, const Frame& frame, base::TimePoint now,
                          DropReason& reason) noexcept {
  const auto choice = choose(service, packet, frame, now, reason);
  if (reason != DropReason::None) return nullptr;
  auto* persistence = choice.persistence;
  if (persistence != nullptr) ++persistence->controlled;  // from now on nothing ends it
  reason = state_.make_room(service, frame.protocol, true);
  Connection* connection = nullptr;
  if (reason == DropReason::None) {
    Ends ends;
    auto c = draft(frame, choice.slot, ends);
    if (persistence != nullptr) c.controller = state_.connections.number(*persistence) + 1;
    auto& server = state_.services.server(choice.slot);
    if (server.fullnat && !choose_local(service, server, frame, c, ends)) {
      reason = DropReason::NoLocalPort;
    } else {
      connection = state_.begin(c, ends);
      if (connection == nullptr) reason = DropReason::TableFull;
    }
  }
  if (connection == nullptr && persistence != nullptr) --persistence->controlled;
  return connection;
}

Connection* Opening::open_for_one(LiveService& service, const Packet& packet, const Frame& frame, base::TimePoint now,
                                  Connection& scratch, DropReason& reason) noexcept {
  const auto choice = choose(service, packet, frame, now, reason);
  if (reason != DropReason::None) return nullptr;
  Ends ends;
  scratch = draft(frame, choice.slot, ends);
  scratch.state = State::OnePacket;
  scratch.flags |= Connection::kOnePacket;
  auto& server = state_.services.server(choice.slot);
  ++server.counters->connections;
  if (!scratch.nat()) return &scratch;
  const auto tuple = Tuple::make(Tuple::Direction::Reply, frame.protocol, ends.client, scratch.client_port, ends.server,
                                 scratch.server_port);
  auto* known = state_.connections.find(tuple, state_.connections.hash(tuple));
  if (known != nullptr && !known->has_inbound_key() && known->server == choice.slot &&
      known->virtual_port == scratch.virtual_port &&
      state_.connections.ends(*known).virtual_address == ends.virtual_address) {
    known->last_seen = state_.now;
    return known;
  }
  reason = state_.make_room(service, frame.protocol, false);
  if (reason != DropReason::None) return nullptr;
  auto* entry = state_.begin(scratch, ends);
  if (entry == nullptr) reason = DropReason::TableFull;
  return entry;
}

Opening::Choice Opening::choose(LiveService& service, const Packet& packet, const Frame& frame, base::TimePoint now,
                                DropReason& reason) noexcept {
  const bool persistent = service.config.options.persistence.timeout.count() != 0;
  Choice choice;
  Tuple tuple;
  if (persistent) {
    tuple = template_of(service, packet, frame);
    choice.persistence = state_.connections.find(tuple, state_.connections.hash(tuple));
  }
  auto* known = choice.persistence;
  if (known != nullptr &&
      state_.services.server(known->server).keeps_clients(state_.policy.expire_quiescent_template)) {
    choice.slot = known->server;
  } else {
    choice.slot = state_.services.schedule(
        service, {to_endpoint(frame.source, frame.source_port), to_address(frame.destination), now});
    if (choice.slot == kNoSlot) {
      reason = DropReason::NoServer;
      return choice;
    }
    if (known != nullptr) state_.move(*known, choice.slot);
  }
  if (persistent && known == nullptr) {
    choice.persistence = begin_template(service, tuple, choice.slot);
    if (choice.persistence == nullptr) reason = DropReason::TableFull;
  }
  if (choice.persistence != nullptr) choice.persistence->last_seen = state_.now;
  return choice;
}

// Of the Call-ID where the service goes by it and the packet has one, else of the client's address.
Tuple Opening::template_of(const LiveService& service, const Packet& packet, const Frame& frame) const noexcept {
  const auto& persistence = service.config.options.persistence;
  if (persistence.sip_call_id && frame.kind == FrameKind::Udp && frame.transport_length() > kUdpHeader) {
    const auto call = sip_call_id(transport_of(packet.data, frame).subspan(kUdpHeader));
    if (!call.empty()) return call_template(service.template_protocol, calls_.of_text(call), service.record);
  }
  return client_template(service.template_protocol, frame.source, persistence.prefix, service.record);
}

Connection* Opening::begin_template(LiveService& service, const Tuple& tuple, std::uint32_t slot) noexcept {
  if (state_.make_room(service, service.template_protocol, false) != DropReason::None) return nullptr;
  Connection c;
  c.flags = Connection::kTemplate;
  c.state = State::Template;
  c.server = slot;
  c.last_seen = state_.now;
  Ends ends;
  place(tuple, c, ends);
  return state_.begin(c, ends);
}

}  // namespace lvsd::ipvs::engine

// How connections begin: which packets begin one, when an old one gives way to a new one, and which server takes it,
// the client's own by persistence or the scheduler's. Used by the forwarder.
#pragma once

#include <cstdint>

#include "ipvs/engine/engine_state.hpp"
#include "ipvs/engine/frame.hpp"
#include "ipvs/engine/packet.hpp"

namespace lvsd::ipvs::engine {

class Opening {
 public:
  explicit Opening(EngineState& state) : state_{state}, calls_{state.memory.seed} {}

  // What the packet would begin is worth a connection: a TCP SYN, an SCTP INIT, any UDP packet.
  bool begins(const Packet& packet, const Frame& frame) const noexcept;
  // The packet is better served by a new connection than by the one that is there.
  bool gives_way(const Connection& connection, const Packet& packet, const Frame& frame) const noexcept {
    if (connection.controlled != 0) return false;
    if (state_.is_expired(connection)) return true;
    // What most packets are.
    const bool in_stream = frame.kind == FrameKind::Tcp && (frame.tcp_flags & kTcpSyn) == 0;
    return !(in_stream && !state_.policy.expire_nodest_conn) && is_better_elsewhere(connection, packet, frame);
  }

  // A new connection; null with a reason. `now` is that of the batch, as EngineState::now.
  Connection* open(LiveService& service, const Packet& packet, const Frame& frame, base::TimePoint now,
                   DropReason& reason) noexcept;

  // A server for one packet of a service that keeps no connections: an entry that lets its reply be found, or null with
  // a reason. Where replies do not come through here it is `scratch`, which is in no table.
  Connection* open_for_one(LiveService& service, const Packet& packet, const Frame& frame, base::TimePoint now,
                           Connection& scratch, DropReason& reason) noexcept;

  // fullnat: a port of a local address that this server's replies can come to. False: there is none.
  bool choose_local(const LiveService& service, LiveServer& server, const Frame& frame, Connection& c,
                    Ends& ends) noexcept;

 private:
  struct Choice {
    std::uint32_t slot = kNoSlot;
    Connection* persistence = nullptr;
  };

  Choice choose(LiveService& service, const Packet& packet, const Frame& frame, base::TimePoint now,
                DropReason& reason) noexcept;
  Tuple template_of(const LiveService& service, const Packet& packet, const Frame& frame) const noexcept;
  Connection* begin_template(LiveService& service, const Tuple& tuple, std::uint32_t slot) noexcept;
  bool is_better_elsewhere(const Connection& connection, const Packet& packet, const Frame& frame) const noexcept;
  bool client_reuses(const Connection& connection, const Frame& frame) const noexcept;
  Connection draft(const Frame& frame, std::uint32_t slot, Ends& ends) const noexcept;

  EngineState& state_;
  KeyedHash calls_;
};

}  // namespace lvsd::ipvs::engine

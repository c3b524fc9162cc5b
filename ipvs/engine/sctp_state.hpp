// From one SCTP state to the next, as the chunks that a director sees lead it: the tables of IPVS (kernel
// ip_vs_proto_sctp.c). Pure; used by the forwarder.
#pragma once

#include <cstdint>
#include <span>

#include "ipvs/engine/connection_state.hpp"

namespace lvsd::ipvs::engine {

enum class SctpEvent : std::uint8_t {
  Data,  // and whatever has no row of its own
  Init,
  InitAck,
  CookieEcho,
  CookieAck,
  Shutdown,
  ShutdownAck,
  ShutdownComplete,
  Error,
  Abort,
};
inline constexpr std::size_t kSctpEvents = 10;

// What the packet's first chunk says; of a cookie's packet, whether an ABORT is bundled behind it. `packet` begins with
// SCTP's common header (RFC 9260 §3) and may be cut short: what cannot be read is Data.
SctpEvent sctp_event(std::span<const std::uint8_t> packet) noexcept;

State next_state(State state, SctpEvent event, Seen seen) noexcept;

}  // namespace lvsd::ipvs::engine

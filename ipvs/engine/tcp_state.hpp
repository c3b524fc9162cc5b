// The TCP states of a connection as a director sees them, and how long an idle connection stays in each: the tables of
// IPVS (kernel ip_vs_proto_tcp.c). Pure; used by the forwarder, the expiry and the listing.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "ipvs/config.hpp"

namespace lvsd::ipvs::engine {

// The numbers of the kernel, which the synchronisation protocol carries too.
enum class State : std::uint8_t {
  None,
  Established,
  SynSent,
  SynReceived,
  FinWait,
  TimeWait,
  Close,
  CloseWait,
  LastAck,
  Listen,
  SynAck,
  Udp,  // the one state of UDP
  kCount,
};
inline constexpr std::size_t kStates = static_cast<std::size_t>(State::kCount);

enum class Seen : std::uint8_t {
  FromClient,
  FromServer,
  FromClientOnly,  // the replies do not come through here (DR)
};

State next_state(State state, std::uint8_t tcp_flags, Seen seen) noexcept;

// Counts in the server's active connections.
constexpr bool is_active(State state) {
  return state == State::Established || state == State::SynSent || state == State::SynReceived ||
         state == State::SynAck;
}

std::string_view name(State state);  // ipvsadm's words

// Milliseconds that a connection may be idle.
class IdleLimits {
 public:
  IdleLimits();
  void set(const Timeouts& timeouts);  // 0 leaves a value as it is; more than 24 days count as 24 days
  std::int32_t of(State state) const { return milliseconds_[static_cast<std::size_t>(state)]; }

 private:
  std::array<std::int32_t, kStates> milliseconds_;
};

}  // namespace lvsd::ipvs::engine

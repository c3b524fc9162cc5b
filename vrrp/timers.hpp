// The protocol's intervals (RFC 9568 §6.1) and the lease on our addresses. Used by the state machine and the room.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "base/time.hpp"

namespace lvsd::vrrp {

using Centiseconds = std::chrono::duration<std::int64_t, std::centi>;  // the unit on the wire

inline constexpr std::uint8_t kOwnerPriority = 255;  // the address owner, RFC 9568 §5.2.4
inline constexpr std::uint8_t kResignPriority = 0;   // the master leaves
inline constexpr Centiseconds kLeastInterval{1};
inline constexpr Centiseconds kLongestInterval{4095};  // 12 bits

// A backup of higher priority takes over earlier. `interval` is the master's, not our own. Version 2 knows fractions of
// a second only (RFC 3768 §6.1).
constexpr base::Duration skew_time(std::uint8_t priority, base::Duration interval, std::uint8_t version = 3) {
  return (256 - priority) * (version == 2 ? std::chrono::seconds{1} : interval) / 256;
}

// A master silent for this long is dead.
constexpr base::Duration master_down_interval(std::uint8_t priority, base::Duration interval,
                                              std::uint8_t version = 3) {
  return 3 * interval + skew_time(priority, interval, version);
}

// No peer of the same interval takes over before a master has been silent for this long: the skew of a peer can be near
// 0.
constexpr base::Duration least_peer_patience(base::Duration interval) { return 3 * interval; }

// How long a VIP outlives its last refresh (one per advertisement): it ends before a peer's master down timer, wherever
// the kernel's unit of a second permits.
constexpr std::chrono::seconds address_lease(base::Duration interval) {
  return std::max(std::chrono::floor<std::chrono::seconds>(3 * interval), std::chrono::seconds{1});
}

// How long a master that has resigned keeps the addresses at most, when no successor is heard: as long as the slowest
// backup waits (priority 1), at least a second, and never so long that a stop takes for ever.
inline constexpr base::Duration kLongestHandover = std::chrono::seconds{5};
constexpr base::Duration handover_limit(base::Duration interval, std::uint8_t version = 3) {
  return std::clamp<base::Duration>(skew_time(1, interval, version), std::chrono::seconds{1}, kLongestHandover);
}

// The same for one that leaves by command and goes on when nobody comes: it must have the addresses all the time, so
// their lease may not end first.
constexpr base::Duration ceding_limit(base::Duration interval, std::uint8_t version = 3) {
  constexpr base::Duration kMargin = std::chrono::milliseconds{100};
  return std::min<base::Duration>(handover_limit(interval, version), address_lease(interval) - kMargin);
}

// How long at most an instance that goes to fault again and again must be usable before it takes part again.
constexpr base::Duration fault_hold(base::Duration interval) {
  return std::max<base::Duration>(3 * interval, std::chrono::seconds{1});
}

// A mastership whose last advert is younger goes on after a restart of our process: no peer can have noticed.
constexpr base::Duration resume_limit(base::Duration interval) { return 2 * interval; }

}  // namespace lvsd::vrrp

// How restless an instance was lately, and how long it must be quiet before it may depose a living master or leave
// fault: doubling with each further loss of its role, forgiven minute by minute. Pure; part of the state machine.
#pragma once

#include "base/time.hpp"

namespace lvsd::vrrp {

struct Flaps {
  unsigned strikes = 0;  // losses of a role, less those forgiven
  base::TimePoint last{};

  friend bool operator==(const Flaps&, const Flaps&) = default;
};

inline constexpr unsigned kFreeStrikes = 3;  // a failover and its return are nobody's flapping
inline constexpr base::Duration kForgiveness = std::chrono::minutes{1};  // one strike each
inline constexpr base::Duration kFirstHold = std::chrono::seconds{1};

// One more role lost at `now`.
Flaps struck(const Flaps& flaps, base::TimePoint now);

// How long it must be quiet, at most `longest`; zero when it has not flapped.
base::Duration hold_down(const Flaps& flaps, base::Duration longest, base::TimePoint now);

}  // namespace lvsd::vrrp

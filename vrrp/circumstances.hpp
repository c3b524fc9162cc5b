// What surrounds an instance at one moment, and which event that is for its state machine: interface, tracks, the other
// members of its sync group, and a pause of the process. Pure; used by the instances and by the simulator.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "vrrp/state_machine.hpp"

namespace lvsd::vrrp {

struct Circumstances {
  std::string unusable;  // why adverts cannot be sent and received now; empty: they can
  std::string barred;    // why it must not be master although they can; empty: it may
};

// The first event of an instance. `resume`: its mastership may go on.
Event event_at_start(const Circumstances& now, bool resume);

// What it means for an instance that runs; empty: nothing.
std::optional<Event> event_of(const Circumstances& now, const State& state);

// A master that did not run for as long as its peers wait must assume that one of them is master now. `asleep`: since
// its last advertisement by the clock that runs on while the machine sleeps.
std::optional<Stalled> stall(const State& state, base::Duration advert_interval, base::TimePoint now,
                             base::Duration asleep);

// The lease on the addresses goes on with every advertisement of a master.
bool renews_lease(std::span<const Action> actions, const State& after);

}  // namespace lvsd::vrrp

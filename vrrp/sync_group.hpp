// Several virtual routers as one: the state machines of a sync group's members, stepped together. All are master or
// none is: a member whose master is gone waits until the others' are gone too, and when one finds a better master all
// give way. Pure; the room executes the steps.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "vrrp/state_machine.hpp"

namespace lvsd::vrrp {

struct Member {
  std::string name;
  Params params;
  State state;
};

struct MemberStep {
  State state;
  std::vector<Action> actions;
  std::string reason;  // why the role changed; empty when it did not
};

// What the event of members[at] means for each of them, in their order. One that is alone does what step() does.
std::vector<MemberStep> step_together(std::span<const Member> members, std::size_t at, const Event& event,
                                      base::TimePoint now);

}  // namespace lvsd::vrrp

#include "vrrp/sync_group.hpp"

#include <algorithm>
#include <utility>

namespace lvsd::vrrp {
namespace {

bool is_master(const State& state) { return state.role == Role::master && !state.leaving_for; }
bool may_come_back(const State& state) { return state.leaving_for == Role::fault; }
bool is_due(const State& state, base::TimePoint now) {
  return state.role == Role::backup && *state.deadline <= now && (!state.not_before || *state.not_before <= now);
}
bool is_ceding(const State& state) { return state.leaving_for == Role::backup; }
bool concerns_every_master(const Event& event) {
  return std::holds_alternative<Stalled>(event) || std::holds_alternative<Cede>(event);
}

MemberStep stepped(const Member& member, const Event& event, base::TimePoint now) {
  Step step = vrrp::step(member.params, member.state, event, now);
  const bool moved = step.state.role != member.state.role;
  return {std::move(step.state), std::move(step.actions), moved ? reason(member.params, member.state, event) : ""};
}

MemberStep unmoved(const Member& member) { return {member.state, {}, {}}; }
std::vector<MemberStep> all_unmoved(std::span<const Member> members) {
  std::vector<MemberStep> steps;
  std::ranges::transform(members, std::back_inserter(steps), unmoved);
  return steps;
}

// A backup takes over when no member has another master any more. One that is alone in that waits: its timer stays
// expired until its master is heard, or the last of the others' timers expires.
bool may_take_over(std::span<const Member> members, base::TimePoint now) {
  return std::ranges::all_of(members, [&](const Member& m) { return is_master(m.state) || is_due(m.state, now); });
}

// The master of one member has resigned, and with it the whole of its group. If it has not, its next advertisement is
// less than an interval away.
State hurried(const Member& member, base::TimePoint now) {
  State next = member.state;
  if (next.role != Role::backup) return next;
  const auto interval = next.master_interval.value_or(member.params.advert_interval);
  next.deadline =
      std::min(*next.deadline, now + interval + skew_time(member.params.priority, interval, member.params.version));
  return next;
}

// Leaving by command, it has heard nobody, but another member has been followed: it does not stay alone.
bool is_followed_elsewhere(std::span<const Member> members, const Member& first) {
  return is_ceding(first.state) &&
         std::ranges::any_of(members, [](const Member& m) { return m.state.role == Role::backup; });
}

// `first` has been stepped by an advertisement.
MemberStep after_advert(const Member& member, const Member& first, const MemberStep& outcome, const Heard& heard,
                        base::TimePoint now) {
  const bool gave_way = is_master(first.state) && outcome.state.role == Role::backup;
  const bool follows = first.state.role == Role::backup && heard.priority != kResignPriority &&
                       outcome.state.armed_at == now && outcome.state.role == Role::backup;
  if (is_master(member.state) && (gave_way || follows)) {
    const Event yield = Yield{first.name + ": " + reason(first.params, State{.role = Role::master}, heard)};
    return stepped(member, yield, now);
  }
  const bool resigned_on = heard.priority == kResignPriority && outcome.state.resigned && outcome.state.armed_at == now;
  if (resigned_on) return {hurried(member, now), {}, {}};
  return unmoved(member);
}

}  // namespace

std::vector<MemberStep> step_together(std::span<const Member> members, std::size_t at, const Event& event,
                                      base::TimePoint now) {
  const Member& first = members[at];
  const bool comes_back = std::holds_alternative<Startup>(event) && may_come_back(first.state);
  if (comes_back && !std::ranges::all_of(members, may_come_back, &Member::state)) return all_unmoved(members);
  const bool takes_over = std::holds_alternative<TimerExpired>(event) && is_due(first.state, now);
  const bool waits = takes_over && !may_take_over(members, now);
  const bool alone = std::holds_alternative<TimerExpired>(event) && is_followed_elsewhere(members, first);
  const MemberStep outcome = waits   ? unmoved(first)
                             : alone ? stepped(first, Yield{"its sync group has another master"}, now)
                                     : stepped(first, event, now);
  const bool goes_on = is_ceding(first.state) && is_master(outcome.state);  // nobody has come, to any of them
  std::vector<MemberStep> steps;
  for (std::size_t i = 0; i < members.size(); ++i) {
    const Member& member = members[i];
    if (i == at) {
      steps.push_back(outcome);
    } else if (const auto* heard = std::get_if<Heard>(&event)) {
      steps.push_back(after_advert(member, first, outcome, *heard, now));
    } else if (goes_on && is_ceding(member.state)) {
      steps.push_back(stepped(member, event, std::max(now, *member.state.deadline)));  // its timer is a moment late
    } else if (takes_over && !waits && !is_master(member.state)) {
      steps.push_back(stepped(member, event, now));
    } else if (comes_back || (concerns_every_master(event) && is_master(member.state))) {
      steps.push_back(stepped(member, event, now));
    } else {
      steps.push_back(unmoved(member));
    }
  }
  return steps;
}

}  // namespace lvsd::vrrp

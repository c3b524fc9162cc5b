#include "vrrp/state_machine.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace lvsd::vrrp {
namespace {

template <class... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <class... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

// After a double master we announce at once, then with the second and the fourth of our adverts in which no rival was
// heard: the last word on the wire must be the winner's, also when the loser's frames were delayed (L4). While it lasts
// we do not: a rival that cannot hear us is not impressed either.
constexpr unsigned kAnnounceTicks = 4;

// Answers to a rival are at least this part of an interval apart, so that a flood of adverts does not make us one.
constexpr int kAnswerShare = 10;

base::Duration skew(const Params& params, const State& state) {
  return skew_time(params.priority, state.master_interval.value_or(params.advert_interval), params.version);
}

Step stay(const State& state) { return {state, {}}; }

Step be_backup(const Params& params, base::TimePoint now, const Heard* master, std::vector<Action> actions) {
  State next{.role = Role::backup, .armed_at = now};
  if (master) {
    next.master_interval = master->interval;
    next.master = master->source;
  }
  next.deadline = now + master_down_interval(params, next);
  return {next, std::move(actions)};
}

// §6.4.2 (7): the advert goes first, so that the old master has left before clients are told.
Step be_master(const Params& params, base::TimePoint now) {
  const State next{.role = Role::master, .deadline = now + params.advert_interval, .last_sent = now};
  return {next, {SendAdvert{params.priority}, TakeAddresses{}, Announce{}}};
}

Step be_fault(std::vector<Action> actions) { return {State{.role = Role::fault}, std::move(actions)}; }
Step be_init(std::vector<Action> actions) { return {State{.role = Role::init}, std::move(actions)}; }

bool too_early(const State& state, base::TimePoint now) { return state.not_before && now < *state.not_before; }

// §6.4.1. DropAddresses: an earlier life may have left addresses behind, and a backup holds none.
Step start(const Params& params, const State& state, base::TimePoint now) {
  if (params.priority == kOwnerPriority && !too_early(state, now)) return be_master(params, now);
  return be_backup(params, now, nullptr, {DropAddresses{}});
}

// After repeated faults what failed must hold for a while first. Not for long: nobody else may be there to serve.
Step leave_fault(const Params& params, const State& state, base::TimePoint now) {
  if (state.deadline) return stay(state);
  const auto hold = std::min(hold_down(state.flaps, params.flap_hold_down, now), fault_hold(params.advert_interval));
  if (hold == base::Duration{}) return start(params, state, now);
  State next = state;
  next.deadline = now + hold;
  return stay(next);
}

Step fault_again(const State& state) {
  State next = state;
  next.deadline.reset();
  return stay(next);
}

// How much longer a living master of lower priority is left alone.
base::Duration patience(const Params& params, const State& state, base::TimePoint now) {
  if (params.priority == kOwnerPriority) return {};  // §6.1: always preempts
  const auto hold = hold_down(state.flaps, params.flap_hold_down, now);
  const auto quiet = std::max(hold - (now - state.flaps.last), base::Duration{});
  return std::max(params.preempt_delay, quiet);
}

Step in_init(const Params& params, const State& state, const Event& event, base::TimePoint now) {
  return std::visit(Overloaded{
                        [&](const Startup&) { return start(params, state, now); },
                        [&](const Resumed&) { return be_master(params, now); },
                        [&](const Lost&) { return be_fault({DropAddresses{}}); },
                        [&](const Heard&) { return stay(state); },
                        [&](const TimerExpired&) { return stay(state); },
                        [&](const Reconfigured&) { return stay(state); },
                        [&](const Stalled&) { return stay(state); },
                        [&](const Shutdown&) { return stay(state); },
                        [&](const Barred&) { return be_fault({DropAddresses{}}); },
                        [&](const Yield&) { return stay(state); },
                        [&](const Cede&) { return stay(state); },
                    },
                    event);
}

Step in_fault(const Params& params, const State& state, const Event& event, base::TimePoint now) {
  return std::visit(Overloaded{
                        [&](const Startup&) { return leave_fault(params, state, now); },
                        [&](const Resumed&) { return stay(state); },  // only a start can resume
                        [&](const Lost&) { return fault_again(state); },
                        [&](const Heard&) { return stay(state); },
                        [&](const TimerExpired&) {
                          return state.deadline && *state.deadline <= now ? start(params, state, now) : stay(state);
                        },
                        [&](const Reconfigured&) { return stay(state); },
                        [&](const Stalled&) { return stay(state); },
                        [&](const Shutdown&) { return be_init({}); },
                        [&](const Barred&) { return fault_again(state); },
                        [&](const Yield&) { return stay(state); },
                        [&](const Cede&) { return stay(state); },
                    },
                    event);
}

Step backup_heard(const Params& params, const State& state, const Heard& heard, base::TimePoint now) {
  State next = state;
  if (heard.priority == kResignPriority) {  // the master leaves: wait only for better backups than us
    if (state.master && *state.master != heard.source) return stay(state);  // it was not ours
    next.armed_at = now;
    next.deadline = now + skew(params, state);
    next.resigned = heard.source;
    return {next, {}};
  }
  const bool may_preempt = (params.preempt && !state.ceded) || params.priority == kOwnerPriority;
  if (!may_preempt || heard.priority >= params.priority) return be_backup(params, now, &heard, {});
  const auto at_latest = now + patience(params, state, now);
  const auto from = std::min(state.preempt_from.value_or(at_latest), at_latest);
  Step result = from <= now ? stay(state) : be_backup(params, now, &heard, {});  // §6.4.2: the timer runs on
  if (from > now || state.preempt_from) result.state.preempt_from = from;
  return result;
}

Step backup_timer(const Params& params, const State& state, base::TimePoint now) {
  if (now < *state.deadline) return stay(state);
  if (!too_early(state, now)) return be_master(params, now);
  State next = state;
  next.deadline = state.not_before;
  return stay(next);
}

// A changed priority or interval counts from the master's last sign of life.
Step backup_reconfigured(const Params& params, const State& state, base::TimePoint now) {
  if (params.priority == kOwnerPriority && !too_early(state, now)) return be_master(params, now);
  State next = state;
  next.deadline = state.armed_at + (state.resigned ? skew(params, state) : master_down_interval(params, state));
  return {next, {}};
}

// §6.4.2
Step in_backup(const Params& params, const State& state, const Event& event, base::TimePoint now) {
  return std::visit(Overloaded{
                        [&](const TimerExpired&) { return backup_timer(params, state, now); },
                        [&](const Heard& heard) { return backup_heard(params, state, heard, now); },
                        [&](const Shutdown&) { return be_init({}); },
                        [&](const Lost&) { return be_fault({}); },
                        [&](const Reconfigured&) { return backup_reconfigured(params, state, now); },
                        [&](const Startup&) { return stay(state); },
                        [&](const Resumed&) { return stay(state); },
                        [&](const Stalled&) { return stay(state); },
                        [&](const Barred&) { return be_fault({}); },
                        [&](const Yield&) { return stay(state); },
                        [&](const Cede&) { return stay(state); },
                    },
                    event);
}

Step master_timer(const Params& params, const State& state, base::TimePoint now) {
  if (now < *state.deadline) return stay(state);
  State next = state;
  next.last_sent = now;
  next.deadline = *state.deadline + params.advert_interval;                 // lateness does not add up …
  if (*next.deadline <= now) next.deadline = now + params.advert_interval;  // … and is not made up for in a rush
  Step result{next, {SendAdvert{params.priority}}};
  if (state.announce_ticks > 0) {
    result.state.announce_ticks = state.announce_ticks - 1;
    if (state.announce_ticks % 2 == 1) result.actions.emplace_back(AnnounceOnce{});
  }
  return result;
}

// §6.4.3: higher priority wins; among equals the greater address, compared as an unsigned number.
bool wins_over_us(const Params& params, const Heard& heard) {
  if (heard.priority != params.priority) return heard.priority > params.priority;
  return heard.source > params.own_address;
}

// A lesser master's advertisement that is out of its rhythm is its last word: it has heard us, and dropped the
// addresses. A resignation is one in any case.
bool is_last_word(const State& state, const Heard& heard, base::TimePoint now) {
  const bool out_of_rhythm = state.rival && now - *state.rival < heard.interval * 9 / 10;
  return (out_of_rhythm || heard.priority == kResignPriority) && now - state.repaired >= heard.interval / 2;
}

// There was a second master: repair what its frames taught the switches and clients.
Step announce_again(const State& state, const Heard& heard, base::TimePoint now) {
  Step result{state, {}};
  result.state.announce_ticks = kAnnounceTicks;
  result.state.rival = now;
  if (state.announce_ticks == 0 || is_last_word(state, heard, now)) {
    result.state.repaired = now;
    result.actions.emplace_back(AnnounceOnce{});
  }
  return result;
}

// One that is in the wrong is told, and so are backups that have heard somebody resign and think it was their master:
// at once, or as soon as the last answer is old enough.
Step master_answers(const Params& params, const State& state, const Heard& heard, base::TimePoint now) {
  Step result = announce_again(state, heard, now);
  const auto earliest = state.last_answered + params.advert_interval / kAnswerShare;
  if (now < earliest) {
    result.state.deadline = std::min(*state.deadline, earliest);
    return result;
  }
  result.state.last_answered = result.state.last_sent = now;
  if (heard.priority == kResignPriority) result.state.deadline = now + params.advert_interval;  // §6.4.3
  result.actions.emplace(result.actions.begin(), SendAdvert{params.priority});
  return result;
}

// The last advert: a winner that has not heard us before (the LAN was split) learns that clients may have our address.
// Others may follow it until the winner's next one, so it tells the winner's interval.
Step give_way(const Params& params, base::TimePoint now, const Heard* winner) {
  const auto interval = winner ? std::optional{winner->interval} : std::nullopt;
  return be_backup(params, now, winner, {DropAddresses{}, SendAdvert{params.priority, interval}});
}

Step master_heard(const Params& params, const State& state, const Heard& heard, base::TimePoint now) {
  if (heard.priority != kResignPriority && wins_over_us(params, heard)) return give_way(params, now, &heard);
  return master_answers(params, state, heard, now);
}

// Peers learn new values at once; nobody's timer runs out because of a reload.
Step master_reconfigured(const Params& params, const State& state, base::TimePoint now) {
  State next = state;
  next.last_sent = now;
  next.deadline = now + params.advert_interval;
  return {next, {SendAdvert{params.priority}, TakeAddresses{}}};
}

// A peer has taken over, or the lease has run out: resign, so that it announces once more what we may have answered for
// meanwhile, and be silent for as long as a living master needs to be heard. The owner has nobody to wait for.
Step master_stalled(const Params& params, base::TimePoint now) {
  if (params.priority == kOwnerPriority) return be_master(params, now);
  Step result = be_backup(params, now, nullptr, {DropAddresses{}, SendAdvert{kResignPriority}});
  result.state.deadline =
      now + params.advert_interval + skew_time(params.priority, params.advert_interval, params.version);
  return result;
}

// Make before break: the successor is told not to wait (§6.4.3, priority 0), and the addresses stay here until it has
// been heard, so that clients always reach one of the two. Answering for them is all that is left of the mastership.
Step leave(const Params& params, Role target, std::string why, base::TimePoint now) {
  const auto limit = target == Role::backup ? ceding_limit(params.advert_interval, params.version)
                                            : handover_limit(params.advert_interval, params.version);
  State next{.role = Role::master, .deadline = now + limit, .last_sent = now};
  next.leaving_for = target;
  next.leaving_because = std::move(why);
  return {next, {SendAdvert{kResignPriority}, TakeAddresses{}, Silence{}}};
}

// The end of a resignation. `successor`: what was heard of it.
Step left(const Params& params, const State& state, base::TimePoint now, const Heard* successor = nullptr) {
  if (state.leaving_for != Role::backup) return {State{.role = *state.leaving_for}, {DropAddresses{}}};
  Step result = be_backup(params, now, successor, {DropAddresses{}});
  result.state.ceded = true;
  return result;
}

// Who leaves by command stays when nobody has come: the addresses never went.
Step waited_for_a_successor(const Params& params, const State& state, base::TimePoint now) {
  if (now < *state.deadline) return stay(state);
  return state.leaving_for == Role::backup ? be_master(params, now) : left(params, state, now);
}

Step leave_for(const State& state, Role target, const std::string& why) {
  State next = state;
  next.leaving_for = target;
  if (!why.empty()) next.leaving_because = why;
  return stay(next);
}

// A master that has resigned: whoever advertises is its successor, or will be. While there is none it may come back.
Step in_leaving(const Params& params, const State& state, const Event& event, base::TimePoint now) {
  return std::visit(
      Overloaded{
          [&](const TimerExpired&) { return waited_for_a_successor(params, state, now); },
          [&](const Heard& heard) {
            return heard.priority == kResignPriority ? stay(state) : left(params, state, now, &heard);
          },
          [&](const Lost&) {
            return state.leaving_for == Role::backup ? be_fault({DropAddresses{}}) : left(params, state, now);
          },
          [&](const Stalled&) { return left(params, state, now); },
          [&](const Shutdown&) { return leave_for(state, Role::init, {}); },
          [&](const Barred& barred) {
            return state.leaving_for == Role::backup ? leave_for(state, Role::fault, barred.why) : stay(state);
          },
          [&](const Yield&) { return left(params, state, now); },
          [&](const Reconfigured&) { return stay(state); },
          [&](const Startup&) { return state.leaving_for == Role::fault ? be_master(params, now) : stay(state); },
          [&](const Resumed&) { return stay(state); },
          [&](const Cede&) { return stay(state); },
      },
      event);
}

// §6.4.3
Step in_master(const Params& params, const State& state, const Event& event, base::TimePoint now) {
  return std::visit(Overloaded{
                        [&](const TimerExpired&) { return master_timer(params, state, now); },
                        [&](const Heard& heard) { return master_heard(params, state, heard, now); },
                        [&](const Shutdown&) { return leave(params, Role::init, "stopping", now); },
                        [&](const Barred& barred) { return leave(params, Role::fault, barred.why, now); },
                        [&](const Cede& cede) { return leave(params, Role::backup, cede.why, now); },
                        [&](const Yield&) { return give_way(params, now, nullptr); },
                        [&](const Lost&) { return be_fault({DropAddresses{}}); },
                        [&](const Reconfigured&) { return master_reconfigured(params, state, now); },
                        [&](const Stalled&) { return master_stalled(params, now); },
                        [&](const Startup&) { return stay(state); },
                        [&](const Resumed&) { return stay(state); },
                    },
                    event);
}

Step in_role(const Params& params, const State& state, const Event& event, base::TimePoint now) {
  switch (state.role) {
    case Role::init:
      return in_init(params, state, event, now);
    case Role::backup:
      return in_backup(params, state, event, now);
    case Role::master:
      return state.leaving_for ? in_leaving(params, state, event, now) : in_master(params, state, event, now);
    case Role::fault:
      return in_fault(params, state, event, now);
  }
  return stay(state);
}

// What outlives a change of role.
Step remembering(const State& before, Step step, base::TimePoint now) {
  State& after = step.state;
  const bool stands_down = before.role == Role::master && after.role == Role::backup && !after.ceded;
  const bool fails = before.role != Role::init && before.role != Role::fault && after.role == Role::fault;
  if (after.role != Role::master) after.not_before = before.not_before;  // who has been master has started
  after.flaps = stands_down || fails ? struck(before.flaps, now) : before.flaps;
  after.ceded = after.role == Role::backup && (after.ceded || before.ceded);
  return step;
}

std::string of_the_timer(const State& before) {
  if (before.resigned) return fmt::format("{} resigned (priority 0)", before.resigned->to_string());
  const auto waited = before.deadline.value_or(before.armed_at) - before.armed_at;
  return fmt::format("master down timer expired ({:.2f}s)", std::chrono::duration<double>(waited).count());
}

std::string of_the_rival(const Params& params, const Heard& heard) {
  if (heard.priority == params.priority) {
    return fmt::format("equal priority {} and greater address {}", heard.priority, heard.source.to_string());
  }
  return fmt::format("priority {} from {}", heard.priority, heard.source.to_string());
}

std::string of_the_handover(const State& before, const Event& event) {
  if (const auto* heard = std::get_if<Heard>(&event)) {
    return fmt::format("{}; {} has taken over", before.leaving_because, heard->source.to_string());
  }
  if (std::holds_alternative<TimerExpired>(event)) return before.leaving_because + "; nobody has taken over";
  return before.leaving_because;
}

}  // namespace

Step step(const Params& params, const State& state, const Event& event, base::TimePoint now) {
  State before = state;
  if (state.role == Role::init && !state.not_before && params.startup_delay > base::Duration{})
    before.not_before = now + params.startup_delay;
  return remembering(before, in_role(params, before, event, now), now);
}

std::optional<Pause> pause(const Params& params, const State& state, base::TimePoint now) {
  if (state.role == Role::fault && state.deadline) return Pause{"flap hold-down", *state.deadline};
  if (state.role != Role::backup) return std::nullopt;
  if (too_early(state, now)) return Pause{"startup delay", *state.not_before};
  if (!state.preempt_from || *state.preempt_from <= now) return std::nullopt;
  const bool delay = *state.preempt_from - state.armed_at <= params.preempt_delay;
  return Pause{delay ? "preempt delay" : "flap hold-down", *state.preempt_from};
}

base::Duration master_down_interval(const Params& params, const State& state) {
  return master_down_interval(params.priority, state.master_interval.value_or(params.advert_interval), params.version);
}

std::string reason(const Params& params, const State& before, const Event& event) {
  if (before.leaving_for) return of_the_handover(before, event);
  return std::visit(
      Overloaded{
          [&](const Startup&) {
            if (params.priority == kOwnerPriority) return std::string{"owner of the addresses (priority 255)"};
            return std::string{before.role == Role::fault ? "usable again" : "started"};
          },
          [](const Resumed&) { return std::string{"goes on after a restart of the room"}; },
          [&](const Heard& heard) { return of_the_rival(params, heard); },
          [&](const TimerExpired&) {
            return before.role == Role::fault ? std::string{"usable again, and steady"} : of_the_timer(before);
          },
          [](const Reconfigured&) { return std::string{"priority 255 by configuration"}; },
          [](const Stalled& stalled) { return fmt::format("stood still for {}", base::format_age(stalled.gap)); },
          [](const Lost& lost) { return lost.why; },
          [](const Barred& barred) { return barred.why; },
          [](const Yield& yield) { return yield.why; },
          [](const Cede& cede) { return cede.why; },
          [](const Shutdown&) { return std::string{"stopping"}; },
      },
      event);
}

}  // namespace lvsd::vrrp

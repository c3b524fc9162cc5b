// Preempt delay, startup delay and flap hold-down: the pauses that the protocol does not know.
#include <gmock/gmock.h>

#include "vrrp/state_machine.hpp"

namespace lvsd::vrrp {
namespace {

using namespace std::chrono_literals;
using testing::IsEmpty;

const base::TimePoint kNow{1h};
const base::IpAddress kPeer = base::IpAddress::v4(0x0a000002);
const Params kParams{.priority = 150,
                     .advert_interval = 1s,
                     .preempt = true,
                     .own_address = base::IpAddress::v4(0x0a000003),
                     .preempt_delay = 10s};
constexpr base::Duration kDown = 3s + 106 * base::Duration{1s} / 256;

Heard lesser() { return {kPeer, 100, 1s}; }
State started(const Params& params) { return step(params, State{}, Startup{}, kNow).state; }

// Lives through a second of time: the lesser master's advertisement, then our own timer where it is due.
State second_of(const Params& params, State state, base::TimePoint now, bool peer_lives = true) {
  if (peer_lives) state = step(params, state, lesser(), now).state;
  if (state.deadline && *state.deadline <= now + 999ms)
    state = step(params, state, TimerExpired{}, *state.deadline).state;
  return state;
}

base::Duration time_to_master(const Params& params, State state, int living_seconds) {
  for (int i = 0; i < 300; ++i) {
    state = second_of(params, state, kNow + i * 1s, i < living_seconds);
    if (state.role == Role::master) return state.last_sent - kNow;
  }
  return base::Duration::max();
}

TEST(PreemptDelay, LeavesALivingMasterAloneForItsTimeAndOneMasterDownInterval) {
  const auto taken = time_to_master(kParams, started(kParams), 300);
  EXPECT_GE(taken, 10s);
  EXPECT_LE(taken, 10s + kDown);
}

TEST(PreemptDelay, DoesNotDelayTakingOverFromADeadMaster) {
  EXPECT_EQ(time_to_master(kParams, started(kParams), 3), 2s + kDown);  // its last advert came at 2 s
}

TEST(PreemptDelay, StartsAnewWhenABetterMasterWasThereMeanwhile) {
  State state = step(kParams, started(kParams), lesser(), kNow).state;
  state = step(kParams, state, Heard{kPeer, 200, 1s}, kNow + 9s).state;
  state = step(kParams, state, lesser(), kNow + 10s).state;
  EXPECT_EQ(state.preempt_from, kNow + 20s);
}

TEST(PreemptDelay, IsShortenedByAReload) {
  State state = step(kParams, started(kParams), lesser(), kNow).state;
  Params hasty = kParams;
  hasty.preempt_delay = {};
  const auto before = state.deadline;
  state = step(hasty, state, lesser(), kNow + 1s).state;
  EXPECT_EQ(state.deadline, before);  // not re-armed: the timer deposes it
}

TEST(PreemptDelay, DoesNotBindTheOwner) {
  Params owner = kParams;
  owner.priority = 255;
  State state{.role = Role::backup, .deadline = kNow + 3s, .armed_at = kNow};
  EXPECT_EQ(step(owner, state, lesser(), kNow + 1s).state.deadline, kNow + 3s);
}

TEST(PreemptDelay, IsNamed) {
  const State state = step(kParams, started(kParams), lesser(), kNow).state;
  EXPECT_EQ(pause(kParams, state, kNow + 1s).value().why, "preempt delay");
  EXPECT_FALSE(pause(kParams, state, kNow + 10s));
}

TEST(StartupDelay, KeepsFromMastershipThoughNobodyIsHeard) {
  const Params params{.priority = 150, .advert_interval = 1s, .startup_delay = 20s};
  EXPECT_EQ(time_to_master(params, started(params), 0), 20s);
  EXPECT_EQ(pause(params, started(params), kNow + 5s).value().why, "startup delay");
}

TEST(StartupDelay, KeepsTheOwnerWaitingToo) {
  const Params params{.priority = 255, .advert_interval = 1s, .startup_delay = 20s};
  EXPECT_EQ(started(params).role, Role::backup);
  EXPECT_EQ(time_to_master(params, started(params), 0), 20s);
}

TEST(StartupDelay, RunsFromTheStartAndNotFromTheInterfacesReturn) {
  const Params params{.priority = 150, .advert_interval = 1s, .startup_delay = 20s};
  State state = step(params, State{}, Lost{"eth0 has no carrier"}, kNow).state;
  state = step(params, state, Startup{}, kNow + 18s).state;
  EXPECT_EQ(state.not_before, kNow + 20s);
}

TEST(StartupDelay, DoesNotHoldBackAMasterThatGoesOn) {
  const Params params{.priority = 150, .advert_interval = 1s, .startup_delay = 20s};
  const State resumed = step(params, State{}, Resumed{}, kNow).state;
  EXPECT_EQ(resumed.role, Role::master);
  EXPECT_FALSE(resumed.not_before) << "nor later, when its successor dies";
}

// ---- Flap hold-down -------------------------------------------------------------------------------------------------

const Params kSteady{.priority = 150, .advert_interval = 1s, .flap_hold_down = 60s};

// Master, then fault, `times` times, a second apart.
State flapped(int times, const Params& params = kSteady) {
  State state = step(params, State{}, Resumed{}, kNow).state;
  for (int i = 0; i < times; ++i) {
    state = step(params, state, Lost{"eth0 has no carrier"}, kNow + i * 1s).state;
    State back{.role = Role::master, .deadline = kNow + i * 1s};
    back.flaps = state.flaps;
    if (i + 1 < times) state = back;
  }
  return state;
}

TEST(FlapHoldDown, LetsAFewFailoversPass) {
  const State state = step(kSteady, flapped(3), Startup{}, kNow + 3s).state;
  EXPECT_EQ(state.role, Role::backup);
  EXPECT_EQ(step(kSteady, state, lesser(), kNow + 4s).state, state);
}

TEST(FlapHoldDown, DoublesWithEachLossUpToItsLimit) {
  const base::Duration expected[] = {0s, 1s, 2s, 4s, 8s, 16s, 32s, 60s, 60s};
  Flaps flaps{2, kNow};
  for (const auto hold : expected) {
    flaps = struck(flaps, kNow);
    EXPECT_EQ(hold_down(flaps, 60s, kNow), hold);
  }
}

TEST(FlapHoldDown, IsForgivenMinuteByMinute) {
  const Flaps flaps{6, kNow};
  EXPECT_EQ(hold_down(flaps, 60s, kNow + 59s), 4s);
  EXPECT_EQ(hold_down(flaps, 60s, kNow + 60s), 2s);
  EXPECT_EQ(hold_down(flaps, 60s, kNow + 3min), 0s);
  EXPECT_EQ(hold_down(flaps, 60s, kNow + 1h), 0s);
}

TEST(FlapHoldDown, OfNothingIsOff) { EXPECT_EQ(hold_down(Flaps{16, kNow}, 0s, kNow), 0s); }

TEST(FlapHoldDown, KeepsAFaultUntilWhatFailedHasHeldForAWhile) {
  State state = step(kSteady, flapped(6), Startup{}, kNow + 6s).state;
  EXPECT_EQ(state.role, Role::fault);
  EXPECT_EQ(state.deadline, kNow + 6s + 3s);  // 4 s earned, 3 advert intervals at most
  EXPECT_EQ(pause(kSteady, state, kNow + 7s).value().why, "flap hold-down");
  state = step(kSteady, state, Lost{"eth0 has no carrier"}, kNow + 7s).state;
  EXPECT_FALSE(state.deadline);
  state = step(kSteady, state, Startup{}, kNow + 8s).state;
  EXPECT_EQ(step(kSteady, state, Startup{}, kNow + 9s).state.deadline, kNow + 11s);  // told again, not held anew
  EXPECT_EQ(step(kSteady, state, TimerExpired{}, kNow + 11s).state.role, Role::backup);
}

TEST(FlapHoldDown, LeavesALivingMasterAloneButNotADeadOne) {
  State state = step(kSteady, flapped(12), Startup{}, kNow + 12s).state;
  state = step(kSteady, state, TimerExpired{}, kNow + 15s).state;
  ASSERT_EQ(state.role, Role::backup);
  const State following = step(kSteady, state, lesser(), kNow + 16s).state;
  EXPECT_EQ(following.deadline, kNow + 16s + kDown);
  EXPECT_EQ(following.preempt_from, kNow + 11s + 60s);  // from the last loss
  EXPECT_EQ(pause(kSteady, following, kNow + 16s).value().why, "flap hold-down");
  EXPECT_EQ(step(kSteady, following, TimerExpired{}, *following.deadline).state.role, Role::master);
}

// I5: whatever the link does, roles change a bounded number of times.
TEST(FlapHoldDown, BoundsTheTransitionsOfAMinute) {
  const Params fast{.priority = 150, .advert_interval = 10ms, .flap_hold_down = 60s};
  for (const auto period : {50ms, 200ms, 500ms, 1500ms, 5000ms}) {
    State state = started(fast);
    unsigned transitions = 0;
    bool up = true;
    for (auto at = 0ms; at < 60s; at += 10ms) {
      const auto before = state.role;
      if (at % period == 0ms) up = !up;
      if (at % period == 0ms) state = step(fast, state, up ? Event{Startup{}} : Event{Lost{"cable"}}, kNow + at).state;
      if (state.deadline && *state.deadline <= kNow + at) state = step(fast, state, TimerExpired{}, kNow + at).state;
      transitions += state.role != before ? 1 : 0;
    }
    EXPECT_LE(transitions, 3 * 30u) << period.count() << " ms";
  }
}

TEST(FlapHoldDown, CountsNoStopAndNoFailoverByCommand) {
  State state = step(kSteady, State{}, Resumed{}, kNow).state;
  state = step(kSteady, state, Cede{"failover by alice"}, kNow).state;
  state = step(kSteady, state, lesser(), kNow + 700ms).state;
  EXPECT_EQ(state.flaps.strikes, 0u);
}

}  // namespace
}  // namespace lvsd::vrrp

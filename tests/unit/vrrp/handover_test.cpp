// A master that has resigned and still holds the addresses: because it stops, because something bars it, or by command.
#include <gmock/gmock.h>

#include "vrrp/state_machine.hpp"

namespace lvsd::vrrp {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

const base::TimePoint kNow{1h};
const base::IpAddress kLower = base::IpAddress::v4(0x0a000002);
const Params kParams{
    .priority = 100, .advert_interval = 1s, .preempt = true, .own_address = base::IpAddress::v4(0x0a000003)};

State master(const Params& params = kParams) { return step(params, State{}, Resumed{}, kNow).state; }
State leaving() { return step(kParams, master(), Shutdown{}, kNow).state; }
State ceding() { return step(kParams, master(), Cede{"failover by alice"}, kNow).state; }

Heard heard(std::uint8_t priority, base::IpAddress source = kLower, base::Duration interval = 1s) {
  return {source, priority, interval};
}

TEST(Leaving, HoldsTheAddressesUntilAnotherMasterIsHeard) {
  EXPECT_EQ(step(kParams, leaving(), heard(0), kNow + 100ms).state, leaving());  // another one that leaves
  const Step result = step(kParams, leaving(), heard(1), kNow + 100ms);
  EXPECT_EQ(result.state, (State{.role = Role::init}));
  EXPECT_THAT(result.actions, ElementsAre(DropAddresses{}));
}

TEST(Leaving, HoldsTheAddressesNoLongerThanTheSlowestBackupWaits) {
  EXPECT_EQ(leaving().deadline, kNow + 1s);
  const struct { base::Duration interval, limit; } rows[] = {{10ms, 1s}, {1s, 1s}, {2s, 1992187500ns}, {40950ms, 5s}};
  for (const auto& row : rows) {
    Params params = kParams;
    params.advert_interval = row.interval;
    EXPECT_EQ(step(params, master(params), Shutdown{}, kNow).state.deadline, kNow + row.limit)
        << base::format_duration(row.interval);
  }
}

TEST(Leaving, ComesBackWhenNobodyHasTakenOverAndNothingBarsItAnyMore) {
  const State barred = step(kParams, master(), Barred{"track uplink: eth1 is down"}, kNow).state;
  const Step result = step(kParams, barred, Startup{}, kNow + 100ms);
  EXPECT_EQ(result.state.role, Role::master);
  EXPECT_FALSE(result.state.leaving_for);
  EXPECT_THAT(result.actions, ElementsAre(SendAdvert{100}, TakeAddresses{}, Announce{}));
}

TEST(Leaving, EndsInTheRoleThatItLeftFor) {
  const State barred = step(kParams, master(), Barred{"track uplink: eth1 is down"}, kNow).state;
  EXPECT_EQ(step(kParams, barred, heard(100), kNow + 100ms).state.role, Role::fault);
  const State stopped = step(kParams, barred, Shutdown{}, kNow + 50ms).state;
  EXPECT_EQ(stopped.deadline, barred.deadline);
  EXPECT_EQ(step(kParams, stopped, heard(100), kNow + 100ms).state.role, Role::init);
}

TEST(Ceding, PreemptsNobodyUntilItHasBeenMasterAgain) {
  State state = step(kParams, ceding(), heard(50), kNow + 700ms).state;
  EXPECT_EQ(state.role, Role::backup);
  state = step(kParams, state, heard(50), kNow + 1700ms).state;
  EXPECT_EQ(state.deadline, kNow + 1700ms + 3609375us);  // the lesser master is followed
  state = step(kParams, state, TimerExpired{}, *state.deadline).state;
  EXPECT_EQ(state.role, Role::master);
  EXPECT_FALSE(state.ceded);
}

TEST(Ceding, GoesOnBeforeTheLeaseOnTheAddressesEnds) {
  Params params = kParams;
  params.advert_interval = 500ms;  // a lease of 1 s
  const State state = step(params, master(params), Cede{"failover by alice"}, kNow).state;
  EXPECT_EQ(state.deadline, kNow + 900ms);
  const Step result = step(params, state, TimerExpired{}, kNow + 900ms);
  EXPECT_EQ(result.state.role, Role::master);
  EXPECT_FALSE(result.state.leaving_for);
}

TEST(Ceding, IsForgottenByAFault) {  // and so by maintenance, after which the configuration holds again
  State state = step(kParams, ceding(), heard(50), kNow + 700ms).state;
  state = step(kParams, state, Lost{"eth0 is down"}, kNow + 2s).state;
  state = step(kParams, state, Startup{}, kNow + 3s).state;
  EXPECT_FALSE(state.ceded);
}

TEST(Ceding, GivesWayToAStop) {
  const State stopped = step(kParams, ceding(), Shutdown{}, kNow + 50ms).state;
  EXPECT_EQ(step(kParams, stopped, TimerExpired{}, *stopped.deadline).state.role, Role::init);
}

}  // namespace
}  // namespace lvsd::vrrp

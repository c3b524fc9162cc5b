#include "vrrp/sync_group.hpp"

#include <gmock/gmock.h>

namespace lvsd::vrrp {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

const base::TimePoint kNow{1h};
const base::IpAddress kPeer = base::IpAddress::v4(0x0a000002);
const Params kParams{
    .priority = 100, .advert_interval = 1s, .preempt = true, .own_address = base::IpAddress::v4(0x0a000003)};
constexpr base::Duration kDown = 3609375us;
constexpr base::Duration kSkew = 609375us;

Heard heard(std::uint8_t priority) { return {kPeer, priority, 1s}; }

// Two members on a clock of their own making; what they do is kept per step.
class Pair {
 public:
  explicit Pair(const Event& start) {
    for (std::size_t i = 0; i < 2; ++i) feed(i, start, 0s);
  }

  void feed(std::size_t at, const Event& event, base::Duration after) {
    const auto steps = step_together(members, at, event, kNow + after);
    for (std::size_t i = 0; i < 2; ++i) {
      members[i].state = steps[i].state;
      actions[i] = steps[i].actions;
      reasons[i] = steps[i].reason;
    }
  }
  std::vector<Role> roles() const { return {members[0].state.role, members[1].state.role}; }

  std::vector<Member> members{{"front", kParams, {}}, {"inside", kParams, {}}};
  std::vector<Action> actions[2];
  std::string reasons[2];
};

TEST(SyncGroup, OfOneDoesWhatTheStateMachineDoes) {
  const std::vector<Member> alone{{"front", kParams, step(kParams, State{}, Startup{}, kNow).state}};
  const auto steps = step_together(alone, 0, TimerExpired{}, kNow + kDown);
  const Step expected = step(kParams, alone[0].state, TimerExpired{}, kNow + kDown);
  ASSERT_EQ(steps.size(), 1u);
  EXPECT_EQ(steps[0].state, expected.state);
  EXPECT_EQ(steps[0].actions, expected.actions);
  EXPECT_EQ(steps[0].reason, "master down timer expired (3.61s)");
}

TEST(SyncGroup, TakesOverWithAllMembersInOneStep) {
  Pair pair{Startup{}};
  pair.feed(0, TimerExpired{}, kDown);
  EXPECT_THAT(pair.roles(), ElementsAre(Role::master, Role::master));
  for (const auto& done : pair.actions) EXPECT_THAT(done, ElementsAre(SendAdvert{100}, TakeAddresses{}, Announce{}));
}

TEST(SyncGroup, WaitsWhileOneMemberHearsAMaster) {
  Pair pair{Startup{}};
  pair.feed(1, heard(150), 3s);
  pair.feed(0, TimerExpired{}, kDown);
  EXPECT_THAT(pair.roles(), ElementsAre(Role::backup, Role::backup));
  EXPECT_THAT(pair.actions[0], IsEmpty());
  // when that master falls silent too
  pair.feed(1, TimerExpired{}, 3s + kDown);
  EXPECT_THAT(pair.roles(), ElementsAre(Role::master, Role::master));
}

TEST(SyncGroup, GivesWayWithAllMembersWhenOneFindsABetterMaster) {
  Pair pair{Resumed{}};
  pair.feed(1, heard(150), 100ms);
  EXPECT_THAT(pair.roles(), ElementsAre(Role::backup, Role::backup));
  EXPECT_THAT(pair.actions[0], ElementsAre(DropAddresses{}, SendAdvert{100}));  // its winner announces too
  EXPECT_EQ(pair.reasons[0], "inside: priority 150 from 10.0.0.2");
  EXPECT_EQ(pair.reasons[1], "priority 150 from 10.0.0.2");
}

TEST(SyncGroup, AssertsItselfAgainstALesserMasterAsOneInstanceDoes) {
  Pair pair{Resumed{}};
  pair.feed(1, heard(50), 500ms);
  EXPECT_THAT(pair.roles(), ElementsAre(Role::master, Role::master));
  EXPECT_THAT(pair.actions[0], IsEmpty());
}

TEST(SyncGroup, FollowsAResignationOnOneMemberWithinAnIntervalOnAll) {
  Pair pair{Startup{}};
  for (std::size_t i = 0; i < 2; ++i) pair.feed(i, heard(150), 1s);
  pair.feed(0, heard(0), 1200ms);  // the other interface of the master is dead: nothing is heard on it
  EXPECT_EQ(pair.members[0].state.deadline, kNow + 1200ms + kSkew);
  EXPECT_EQ(pair.members[1].state.deadline, kNow + 1200ms + 1s + kSkew);
  pair.feed(0, TimerExpired{}, 1200ms + kSkew);
  EXPECT_THAT(pair.roles(), ElementsAre(Role::backup, Role::backup));
  pair.feed(1, TimerExpired{}, 1200ms + 1s + kSkew);
  EXPECT_THAT(pair.roles(), ElementsAre(Role::master, Role::master));
}

TEST(SyncGroup, WaitsForTheSkewTimeOnlyWhenAllMembersAreResignedOn) {
  Pair pair{Startup{}};
  for (std::size_t i = 0; i < 2; ++i) pair.feed(i, heard(0), 1s);
  pair.feed(0, TimerExpired{}, 1s + kSkew);
  EXPECT_THAT(pair.roles(), ElementsAre(Role::master, Role::master));
}

TEST(SyncGroup, OfAMasterTakesInANewMemberWithoutAFailover) {
  Pair pair{Resumed{}};
  pair.members[1].state = step(kParams, State{}, Startup{}, kNow).state;
  pair.feed(1, TimerExpired{}, kDown);
  EXPECT_THAT(pair.roles(), ElementsAre(Role::master, Role::master));
  EXPECT_THAT(pair.actions[0], IsEmpty());
}

TEST(SyncGroup, GivesWayWhenANewMemberFollowsAnotherMaster) {
  Pair pair{Resumed{}};
  pair.members[1].state = step(kParams, State{}, Startup{}, kNow).state;
  pair.feed(1, heard(150), 200ms);
  EXPECT_THAT(pair.roles(), ElementsAre(Role::backup, Role::backup));
}

TEST(SyncGroup, StandsStillTogether) {
  Pair pair{Resumed{}};
  pair.feed(0, Stalled{7s}, 7s);
  EXPECT_THAT(pair.roles(), ElementsAre(Role::backup, Role::backup));
}

TEST(SyncGroup, ComesBackFromAResignationOnlyWithAllMembers) {
  Pair pair{Resumed{}};
  for (std::size_t i = 0; i < 2; ++i) pair.feed(i, Barred{"track uplink: eth1 is down"}, 100ms);
  Pair split = pair;
  pair.feed(0, Startup{}, 200ms);
  EXPECT_THAT(pair.roles(), ElementsAre(Role::master, Role::master));
  EXPECT_FALSE(pair.members[0].state.leaving_for || pair.members[1].state.leaving_for);

  split.feed(1, Lost{"eth1 has no carrier"}, 150ms);
  split.feed(0, Startup{}, 200ms);
  EXPECT_TRUE(split.members[0].state.leaving_for);
  EXPECT_THAT(split.actions[0], IsEmpty());
}

TEST(SyncGroup, DoesNotCountAMemberThatLeavesAsMaster) {
  Pair pair{Resumed{}};
  pair.feed(1, Barred{"front: eth0 is down"}, 100ms);
  pair.members[0].state = step(kParams, State{}, Startup{}, kNow).state;
  pair.feed(0, TimerExpired{}, kDown);
  EXPECT_EQ(pair.members[0].state.role, Role::backup);
}

TEST(SyncGroup, CedesWithAllMembers) {
  Pair pair{Resumed{}};
  pair.feed(0, Cede{"failover by alice"}, 1s);
  for (const auto& done : pair.actions) EXPECT_THAT(done, ElementsAre(SendAdvert{0}, TakeAddresses{}, Silence{}));
}

TEST(SyncGroup, WhoseMemberWasFollowedLeavesWithTheOther) {
  Pair pair{Resumed{}};
  pair.feed(0, Cede{"failover by alice"}, 1s);
  pair.feed(0, heard(50), 1700ms);
  pair.feed(1, TimerExpired{}, 2s);
  EXPECT_THAT(pair.roles(), ElementsAre(Role::backup, Role::backup));
}

TEST(SyncGroup, ThatNobodyFollowsStays) {
  Pair pair{Resumed{}};
  pair.feed(0, Cede{"failover by alice"}, 1s);
  pair.feed(0, TimerExpired{}, 2s);
  pair.feed(1, TimerExpired{}, 2s);
  EXPECT_THAT(pair.roles(), ElementsAre(Role::master, Role::master));
}

// Or the successor's advertisement to the second, a moment later, would leave the group divided.
TEST(SyncGroup, ThatNobodyFollowsGoesOnWithAllMembersAtOnce) {
  Pair pair{Resumed{}};
  pair.feed(0, Cede{"failover by alice"}, 1s);
  pair.feed(0, TimerExpired{}, 2s);
  for (const auto& member : pair.members) EXPECT_FALSE(member.state.leaving_for) << member.name;
  pair.feed(1, heard(50), 2001ms);
  EXPECT_THAT(pair.roles(), ElementsAre(Role::master, Role::master));
}

TEST(SyncGroup, WaitsForTheLastStartupDelay) {
  Params late = kParams;
  late.startup_delay = 20s;
  Pair pair{Startup{}};
  pair.members[1] = {"inside", late, step(late, State{}, Startup{}, kNow).state};
  pair.feed(0, TimerExpired{}, kDown);
  EXPECT_THAT(pair.roles(), ElementsAre(Role::backup, Role::backup));
  pair.feed(1, TimerExpired{}, kDown);
  EXPECT_EQ(pair.members[1].state.deadline, kNow + 20s);
  pair.feed(1, TimerExpired{}, 20s);
  EXPECT_THAT(pair.roles(), ElementsAre(Role::master, Role::master));
}

}  // namespace
}  // namespace lvsd::vrrp

// Rooms that come back, and what they are told of the others.
#include "tests/unit/daemon/steering_fixture.hpp"

namespace lvsd::daemon {
namespace {

using namespace std::chrono_literals;
using namespace test;
using healthcheck::Verdict;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

TEST_F(SteeringTest, RestartedIpvsGetsItsDescriptorsAllVerdictsAndTheConfiguration) {
  settle();
  verdict("a", Verdict::down);
  steering.room_gone(Room::Ipvs);

  EXPECT_THAT(words(steering.room_started(Room::Ipvs, now)),
              ElementsAre("ipvs:Keep", "ipvs:Health all a=down", "ipvs:Configure 1"));
}

TEST_F(SteeringTest, RestartedHealthcheckGetsTheKnownVerdicts) {
  settle();
  steering.room_gone(Room::Healthcheck);

  EXPECT_THAT(words(steering.room_started(Room::Healthcheck, now)),
              ElementsAre("healthcheck:Known a=up", "ipvs:Health all a=up", "healthcheck:Configure 1"));
}

TEST_F(SteeringTest, RestartedVrrpResumesAtOnceEvenWhileIpvsIsDown) {
  settle();
  steering.masters_now({{"front", 123}});
  steering.room_gone(Room::Ipvs);
  steering.room_gone(Room::Vrrp);

  EXPECT_THAT(words(steering.room_started(Room::Vrrp, now)), ElementsAre("vrrp:Resume front", "vrrp:Configure 1"));
}

TEST_F(SteeringTest, RestartedVrrpDoesNotGetACandidateThatForwardingDoesNotHaveYet) {
  settle();
  steering.propose({2, {"a"}}, now);
  steering.room_gone(Room::Vrrp);

  EXPECT_THAT(words(steering.room_started(Room::Vrrp, now)), ElementsAre("vrrp:Configure 1"));
}

TEST_F(SteeringTest, ARestartedRoomThatRefusesWhatIsInForceIsAskedAgain) {
  settle();
  steering.room_gone(Room::Ipvs);
  steering.room_started(Room::Ipvs, now);

  EXPECT_THAT(configured(Room::Ipvs, 1, "out of memory"), IsEmpty());
  EXPECT_EQ(steering.refusal(Room::Ipvs), "out of memory");
  EXPECT_THAT(words(steering.tick(now + 4s)), IsEmpty());
  EXPECT_THAT(words(steering.tick(now + 5s)), ElementsAre("ipvs:Configure 1"));
  configured(Room::Ipvs, 1);
  EXPECT_EQ(steering.refusal(Room::Ipvs), "");
}

// --- the control process itself comes back ---------------------------------------------------------------------------

TEST_F(SteeringTest, ARememberedMasterGoesOnAtOnce) {
  Steering successor{{Revision{1, {"a"}}, {{"a", Verdict::up}}, {{"front", 55}}}, now};

  EXPECT_THAT(words(successor.room_started(Room::Vrrp, now)), ElementsAre("vrrp:Resume front", "vrrp:Configure 1"));
  EXPECT_THAT(words(successor.room_started(Room::Healthcheck, now)),
              ElementsAre("healthcheck:Known a=up", "healthcheck:Configure 1"));
  EXPECT_THAT(words(successor.room_started(Room::Ipvs, now)),
              ElementsAre("ipvs:Keep", "ipvs:Health all a=up", "ipvs:Mastership front", "ipvs:Configure 1"));
}

TEST_F(SteeringTest, ARememberedBackupWaitsForForwardingAsAtAFirstStart) {
  Steering successor{{Revision{1, {"a"}}, {{"a", Verdict::up}}, {}}, now};
  successor.room_started(Room::Ipvs, now);

  EXPECT_THAT(words(successor.room_started(Room::Vrrp, now)), IsEmpty());
  EXPECT_THAT(words(successor.room_configured(Room::Ipvs, {1, ""}, now)), ElementsAre("vrrp:Configure 1"));
}

TEST_F(SteeringTest, AChangedFileAtTheReturnIsAReload) {
  Steering successor{{Revision{1, {}}, {}, {{"front", 55}}}, now};
  for (const Room room : kRooms) successor.room_started(room, now);
  successor.propose({2, {}}, now);
  successor.room_configured(Room::Healthcheck, {2, ""}, now);
  successor.room_configured(Room::Ipvs, {2, ""}, now);

  EXPECT_THAT(words(successor.room_configured(Room::Vrrp, {2, ""}, now)), ElementsAre("in force 2", "ready"));
}

TEST_F(SteeringTest, OverridesReachARunningRoomAtOnceAndANewOneBeforeItsConfiguration) {
  const ipvs::Overrides overrides{{{"web", "rs1", ipvs::OverrideKind::drain, 0}}};
  EXPECT_THAT(words(steering.overrides_now(overrides)), IsEmpty()) << "the room does not run yet";
  settle();
  EXPECT_THAT(words(steering.overrides_now(overrides)), ElementsAre("ipvs:Overrides web/rs1"));
  steering.room_gone(Room::Ipvs);
  EXPECT_THAT(words(steering.room_started(Room::Ipvs, now)),
              ElementsAre("ipvs:Keep", "ipvs:Health all a=up", "ipvs:Overrides web/rs1", "ipvs:Configure 1"));
  EXPECT_THAT(words(steering.overrides_now({})), ElementsAre("ipvs:Overrides"));
}

TEST_F(SteeringTest, WhatAServerSaysOfItselfReachesForwardingAndOutlivesBothRooms) {
  settle();
  healthcheck::HealthChanged change{"a", Verdict::up, "", 0};
  change.share = {-1, 50, true, false};
  const auto told = steering.health_changed(change, now);
  ASSERT_EQ(told.size(), 1U);
  const auto check = [](const ipvs::Health::Target& target) {
    EXPECT_TRUE(target.passes && target.drain);
    EXPECT_FALSE(target.maintenance || target.silent || target.weight);
    EXPECT_EQ(target.percent, 50u);
  };
  check(std::get<ipvs::Health>(std::get<ipvs::Down>(std::get<Send>(told[0]))).targets.at(0));
  check(steering.complete_health().targets.at(0));
  EXPECT_EQ(steering.verdicts().targets.at(0).share, change.share);
}

TEST_F(SteeringTest, ASilentServerIsSaidToBeSo) {
  settle();
  healthcheck::HealthChanged change{"a", Verdict::down, "timed out", 0};
  change.silent = true;
  steering.health_changed(change, now);
  EXPECT_TRUE(steering.complete_health().targets.at(0).silent);
  EXPECT_EQ(steering.finding("a")->reason, "timed out");
  EXPECT_EQ(steering.finding("b"), nullptr);
}

// --- what elections depend on ----------------------------------------------------------------------------------------

TEST_F(SteeringTest, ANewVrrpRoomIsToldTheConditionsBeforeItsConfiguration) {
  settle();
  steering.room_gone(Room::Vrrp);
  const auto commands = steering.room_started(Room::Vrrp, now);
  ASSERT_FALSE(commands.empty());
  ASSERT_TRUE(conditions_of(commands.front()));
  EXPECT_TRUE(conditions_of(commands.front())->may_preempt);
}

TEST_F(SteeringTest, NoInstancePreemptsBeforeTheFirstResultsOfItsOwnChecks) {
  const auto at_start = steering.room_started(Room::Vrrp, now);
  EXPECT_FALSE(conditions_in(at_start)->may_preempt);
  steering.room_started(Room::Healthcheck, now);
  steering.room_started(Room::Ipvs, now);
  steering.propose({1, {"a"}}, now);
  now += Steering::kFirstVerdicts;
  EXPECT_FALSE(steering.conditions().may_preempt);  // it takes part, for another one may be dead
  const auto commands = steering.health_changed({"a", Verdict::down, "", 0}, now);
  ASSERT_TRUE(conditions_in(commands));
  EXPECT_TRUE(conditions_in(commands)->may_preempt);
}

TEST_F(SteeringTest, ACheckThatNeverHasAResultDoesNotForbidPreemptionForEver) {
  start_all();
  steering.propose({1, {"a"}}, now);
  EXPECT_FALSE(conditions_in(steering.tick(now + 59s)));
  EXPECT_TRUE(conditions_in(steering.tick(now + 60s))->may_preempt);
}

TEST_F(SteeringTest, ALateDirectorLeavesMastersAloneUntilItHasTheirConnections) {
  start_all();
  steering.propose({1, {}, 30s}, now);
  EXPECT_FALSE(steering.conditions().may_preempt);
  EXPECT_EQ(steering.conditions().waits_for, "connections of the other directors are missing here");
  const auto complete = steering.in_step_now(true, now);
  ASSERT_TRUE(conditions_in(complete));
  EXPECT_TRUE(conditions_in(complete)->may_preempt);
  EXPECT_EQ(conditions_in(complete)->waits_for, "");
  // The stream broke: another full state is on its way.
  now += 100s;
  EXPECT_FALSE(conditions_in(steering.in_step_now(false, now))->may_preempt);
}

TEST_F(SteeringTest, AMissingPeerHoldsPreemptionBackForTheConfiguredTimeOnly) {
  start_all();
  steering.propose({1, {}, 30s}, now);
  EXPECT_FALSE(conditions_in(steering.tick(now + 29s)));
  EXPECT_TRUE(conditions_in(steering.tick(now + 30s))->may_preempt);
}

TEST_F(SteeringTest, TheIpvsRoomKnowsWhichInstancesAreMasterAndIsToldNothingTwice) {
  settle();
  EXPECT_THAT(words(steering.masters_now({{"front", 1}})), ElementsAre("ipvs:Mastership front"));
  EXPECT_THAT(words(steering.masters_now({{"front", 2}})), IsEmpty());  // another advertisement
  EXPECT_THAT(words(steering.masters_now({})), ElementsAre("ipvs:Mastership"));
}

TEST_F(SteeringTest, ResultsOfTracksReachTheVrrpRoomInWords) {
  settle({"track gateway", "a"});
  const auto commands = steering.health_changed({"track gateway", Verdict::down, "no answer (3rd failure)", 0}, now);
  EXPECT_THAT(conditions_in(commands)->tracks,
              ElementsAre(vrrp::Conditions::Track{"gateway", true, "no answer (3rd failure)"}));
  EXPECT_FALSE(conditions_in(steering.health_changed({"a", Verdict::down, "", 0}, now))) << "no track";
}

TEST_F(SteeringTest, MaintenanceAndQuorumsAreToldWhenTheyChange) {
  settle();
  EXPECT_EQ(conditions_in(steering.maintenance_now("maintenance by alice"))->maintenance, "maintenance by alice");
  EXPECT_FALSE(conditions_in(steering.maintenance_now("maintenance by alice")));
  EXPECT_THAT(conditions_in(steering.quorums_now({{"enough", true, "web lacks its quorum"}}))->tracks,
              ElementsAre(vrrp::Conditions::Track{"enough", true, "web lacks its quorum"}));
  EXPECT_FALSE(conditions_in(steering.quorums_now({{"enough", true, "web lacks its quorum"}})));
  EXPECT_EQ(conditions_in(steering.maintenance_now(""))->maintenance, "");
}

}  // namespace
}  // namespace lvsd::daemon

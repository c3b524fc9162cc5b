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

TEST_F(SteeringTest, FirstStartClaimsAddressesOnlyWhenForwardingStandsAndEveryTargetHasAVerdict) {
  start_all();

  EXPECT_THAT(words(steering.propose({1, {"a", "b"}}, now)), ElementsAre("healthcheck:Configure 1"));
  EXPECT_THAT(configured(Room::Healthcheck, 1), IsEmpty());
  EXPECT_THAT(verdict("a", Verdict::down), ElementsAre("ipvs:Health a=down"));
  EXPECT_THAT(verdict("b", Verdict::up), ElementsAre("ipvs:Health b=up", "ipvs:Configure 1"));
  EXPECT_THAT(configured(Room::Ipvs, 1), ElementsAre("vrrp:Configure 1"));
  EXPECT_THAT(configured(Room::Vrrp, 1), ElementsAre("in force 1", "ready"));
}

// A kernel's table outlives lvsd: its servers must not lose their weights because nothing is known of them yet.
TEST_F(SteeringTest, FirstStartLeavesATableAsItIsForThreeSecondsAtMostWhileVerdictsAreMissing) {
  start_all();
  steering.propose({1, {"a", "b"}}, now);
  configured(Room::Healthcheck, 1);
  verdict("a", Verdict::up);

  EXPECT_THAT(words(steering.tick(now + 2999ms)), IsEmpty());
  EXPECT_THAT(words(steering.tick(now + 3s)), ElementsAre("ipvs:Configure 1"));
}

TEST_F(SteeringTest, FirstStartGivesTheChecksTheirThreeSecondsFromWhenTheyBegin) {
  start_all();
  steering.propose({1, {"a"}}, now);

  now += 5s;
  EXPECT_THAT(configured(Room::Healthcheck, 1), IsEmpty());
  EXPECT_THAT(words(steering.tick(now + 2999ms)), IsEmpty());
  EXPECT_THAT(words(steering.tick(now + 3s)), ElementsAre("ipvs:Configure 1"));
}

TEST_F(SteeringTest, FirstStartWithoutChecksWaitsForNothing) {
  start_all();
  steering.propose({1, {}}, now);

  EXPECT_THAT(configured(Room::Healthcheck, 1), ElementsAre("ipvs:Configure 1"));
}

TEST_F(SteeringTest, FirstElectionWaitsForForwardingHoweverLongAndForVerdictsTenSeconds) {
  start_all();
  steering.propose({1, {"a"}}, now);

  EXPECT_THAT(words(steering.tick(now + 9999ms)), IsEmpty());
  now += 10s;
  EXPECT_THAT(words(steering.tick(now)), ElementsAre("ipvs:Configure 1"));
  EXPECT_THAT(configured(Room::Ipvs, 1), ElementsAre("vrrp:Configure 1"));
}

TEST_F(SteeringTest, UnknownIsNoVerdict) {
  start_all();
  steering.propose({1, {"a"}}, now);
  configured(Room::Ipvs, 1);

  EXPECT_THAT(verdict("a", Verdict::unknown), ElementsAre("ipvs:Health a=down"));
}

TEST_F(SteeringTest, RoomsThatStartLaterAreConfiguredThen) {
  EXPECT_THAT(words(steering.propose({1, {}}, now)), IsEmpty());

  EXPECT_THAT(words(steering.room_started(Room::Ipvs, now)), ElementsAre("ipvs:Keep", "ipvs:Health all"));
  EXPECT_THAT(words(steering.room_started(Room::Healthcheck, now)),
              ElementsAre("healthcheck:Known", "ipvs:Health all", "healthcheck:Configure 1"));
  EXPECT_THAT(configured(Room::Healthcheck, 1), ElementsAre("ipvs:Configure 1"));
}

TEST_F(SteeringTest, ARefusedFirstConfigurationIsWithdrawn) {
  start_all();
  steering.propose({1, {}}, now);
  configured(Room::Healthcheck, 1);

  EXPECT_THAT(configured(Room::Ipvs, 1, "no BPF"), ElementsAre("withdrawn 1 ipvs: no BPF"));
}

TEST_F(SteeringTest, ReadyIsSaidAfterTwentySecondsAlthoughARoomDoesNotWork) {
  start_all();
  steering.propose({1, {}}, now);

  EXPECT_THAT(words(steering.tick(now + 19s)), Not(Contains("ready")));
  EXPECT_THAT(words(steering.tick(now + 20s)), Contains("ready"));
  EXPECT_THAT(words(steering.tick(now + 21s)), Not(Contains("ready")));
}

// --- reload ----------------------------------------------------------------------------------------------------------

TEST_F(SteeringTest, ReloadGoesThroughTheRoomsInOrder) {
  settle();

  EXPECT_THAT(words(steering.propose({2, {"a"}}, now)), ElementsAre("healthcheck:Configure 2"));
  EXPECT_THAT(configured(Room::Healthcheck, 2), ElementsAre("ipvs:Configure 2"));
  EXPECT_THAT(configured(Room::Ipvs, 2), ElementsAre("vrrp:Configure 2"));
  EXPECT_THAT(configured(Room::Vrrp, 2), ElementsAre("in force 2"));
}

TEST_F(SteeringTest, ReloadWaitsForVerdictsOnNewTargetsBeforeForwardingUsesThem) {
  settle();
  steering.propose({2, {"a", "new"}}, now);

  EXPECT_THAT(configured(Room::Healthcheck, 2), IsEmpty());
  EXPECT_THAT(verdict("new", Verdict::up), ElementsAre("ipvs:Health new=up", "ipvs:Configure 2"));
}

TEST_F(SteeringTest, ReloadWaitsForVerdictsThreeSecondsAtMost) {
  settle();
  steering.propose({2, {"new"}}, now);
  configured(Room::Healthcheck, 2);

  EXPECT_THAT(words(steering.tick(now + 2999ms)), IsEmpty());
  EXPECT_THAT(words(steering.tick(now + 3s)), ElementsAre("ipvs:Configure 2"));
}

TEST_F(SteeringTest, ARefusalPutsThePreviousConfigurationBackInEveryRoomThatHadTheNewOne) {
  settle();
  steering.propose({2, {"a"}}, now);
  configured(Room::Healthcheck, 2);
  configured(Room::Ipvs, 2);

  EXPECT_THAT(configured(Room::Vrrp, 2, "no such interface"),
              ElementsAre("withdrawn 2 vrrp: no such interface", "healthcheck:Configure 1", "ipvs:Configure 1",
                          "vrrp:Configure 1"));
  EXPECT_EQ(steering.in_force(), 1U);
  EXPECT_FALSE(steering.has_candidate());
}

TEST_F(SteeringTest, AnswersAboutAWithdrawnConfigurationCountForNothing) {
  settle();
  steering.propose({2, {"a"}}, now);
  configured(Room::Healthcheck, 2);
  words(steering.tick(now + 10s));

  EXPECT_THAT(configured(Room::Ipvs, 2), IsEmpty());
  EXPECT_FALSE(steering.works(Room::Healthcheck));
  EXPECT_THAT(configured(Room::Healthcheck, 1), IsEmpty());
  EXPECT_TRUE(steering.works(Room::Healthcheck));
}

TEST_F(SteeringTest, ARoomThatDoesNotAnswerMakesTheReloadFailAfterTenSeconds) {
  settle();
  steering.propose({2, {"a"}}, now);
  configured(Room::Healthcheck, 2);

  EXPECT_THAT(words(steering.tick(now + 9s)), IsEmpty());
  EXPECT_THAT(words(steering.tick(now + 10s)), ElementsAre("withdrawn 2 ipvs: did not put it in force within 10s",
                                                           "healthcheck:Configure 1", "ipvs:Configure 1"));
}

TEST_F(SteeringTest, AConfigurationThatKillsARoomIsWithdrawn) {
  settle();
  steering.propose({2, {"a"}}, now);
  configured(Room::Healthcheck, 2);
  steering.room_gone(Room::Ipvs);

  EXPECT_THAT(words(steering.tick(now + 10s)),
              ElementsAre("withdrawn 2 ipvs: was not running for 10s", "healthcheck:Configure 1"));
}

TEST_F(SteeringTest, ANewerCandidateReplacesAnUnfinishedOne) {
  settle();
  steering.propose({2, {"a"}}, now);
  configured(Room::Healthcheck, 2);

  EXPECT_THAT(words(steering.propose({3, {"a"}}, now)), ElementsAre("healthcheck:Configure 3", "ipvs:Configure 1"));
  EXPECT_THAT(configured(Room::Healthcheck, 3), ElementsAre("ipvs:Configure 3"));
}

TEST_F(SteeringTest, VerdictsOfTargetsThatAreGoneAreForgotten) {
  settle({"a", "b"});
  steering.propose({2, {"b"}}, now);
  configured(Room::Healthcheck, 2);
  configured(Room::Ipvs, 2);
  configured(Room::Vrrp, 2);

  ASSERT_EQ(steering.verdicts().targets.size(), 1U);
  EXPECT_EQ(steering.verdicts().targets[0].id, "b");
}

// --- rooms come back -------------------------------------------------------------------------------------------------

}  // namespace
}  // namespace lvsd::daemon

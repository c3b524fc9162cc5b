#include "daemon/steering.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

namespace lvsd::daemon {
namespace {

using namespace std::chrono_literals;
using healthcheck::Verdict;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

template <class... Fs>
struct Overload : Fs... {
  using Fs::operator()...;
};

// Commands as short words, so that a test reads as a story: "ipvs:Configure 2", "vrrp:Resume front", "in force 2".
std::string word(const ipvs::Down& message) {
  if (const auto* overrides = std::get_if<ipvs::Overrides>(&message)) {
    std::string text = "ipvs:Overrides";
    for (const auto& o : overrides->overrides) text += fmt::format(" {}/{}", o.service, o.server);
    return text;
  }
  const auto* health = std::get_if<ipvs::Health>(&message);
  if (!health) return "ipvs:?";
  std::string text = health->complete ? "ipvs:Health all" : "ipvs:Health";
  for (const auto& target : health->targets) text += fmt::format(" {}={}", target.id, target.passes ? "up" : "down");
  return text;
}
std::string word(const healthcheck::Down& message) {
  const auto* known = std::get_if<healthcheck::Known>(&message);
  if (!known) return "healthcheck:?";
  std::string text = "healthcheck:Known";
  for (const auto& target : known->targets)
    text += fmt::format(" {}={}", target.id, target.verdict == Verdict::up ? "up" : "down");
  return text;
}
std::string word(const vrrp::Down& message) {
  const auto* resume = std::get_if<vrrp::Resume>(&message);
  if (!resume) return "vrrp:?";
  std::string text = "vrrp:Resume";
  for (const auto& master : resume->masters) text += " " + master.name;
  return text;
}

const vrrp::Conditions* conditions_of(const Command& command) {
  const auto* send = std::get_if<Send>(&command);
  const auto* down = send ? std::get_if<vrrp::Down>(send) : nullptr;
  return down ? std::get_if<vrrp::Conditions>(down) : nullptr;
}

// The last Conditions among them, which have tests of their own.
std::optional<vrrp::Conditions> conditions_in(const Commands& commands) {
  std::optional<vrrp::Conditions> last;
  for (const auto& command : commands) {
    if (const auto* conditions = conditions_of(command)) last = *conditions;
  }
  return last;
}

std::vector<std::string> words(const Commands& commands) {
  std::vector<std::string> out;
  for (const auto& command : commands) {
    if (conditions_of(command)) continue;
    out.push_back(std::visit(
        Overload{[](const SendConfigure& c) { return fmt::format("{}:Configure {}", room_name(c.room), c.generation); },
                 [](const SendKept&) { return std::string{"ipvs:Keep"}; },
                 [](const Send& s) { return std::visit([](const auto& message) { return word(message); }, s); },
                 [](const InForce& f) { return fmt::format("in force {}", f.generation); },
                 [](const Withdrawn& w) {
                   return fmt::format("withdrawn {} {}: {}", w.generation, room_name(w.room), w.error);
                 },
                 [](const Ready&) { return std::string{"ready"}; }},
        command));
  }
  return out;
}

class SteeringTest : public testing::Test {
 protected:
  std::vector<std::string> configured(Room room, std::uint64_t generation, std::string error = {}) {
    return words(steering.room_configured(room, {generation, std::move(error)}, now));
  }
  std::vector<std::string> verdict(std::string target, Verdict value) {
    return words(steering.health_changed({std::move(target), value, "", 0}, now));
  }
  void start_all() {
    for (const Room room : kRooms) steering.room_started(room, now);
  }
  // Everything runs with generation 1 and the given targets up.
  void settle(std::set<std::string> targets = {"a"}) {
    start_all();
    steering.propose({1, targets}, now);
    for (const auto& target : targets) verdict(target, Verdict::up);
    configured(Room::Healthcheck, 1);
    configured(Room::Ipvs, 1);
    configured(Room::Vrrp, 1);
    ASSERT_EQ(steering.in_force(), 1U);
  }

  base::TimePoint now{1000s};
  Steering steering{{}, now};
};

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
              ElementsAre("ipvs:Keep", "ipvs:Health all a=up", "ipvs:Configure 1"));
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

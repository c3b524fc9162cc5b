#include "vrrp/state_machine.hpp"

#include <array>

#include <gmock/gmock.h>

namespace lvsd::vrrp {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

const base::TimePoint kNow{1h};
const base::IpAddress kUs = base::IpAddress::v4(0x0a000003);
const base::IpAddress kLower = base::IpAddress::v4(0x0a000002);
const base::IpAddress kGreater = base::IpAddress::v4(0x0a000004);
const Params kParams{.priority = 100, .advert_interval = 1s, .preempt = true, .own_address = kUs};

State backup(const Params& params = kParams) { return step(params, State{}, Startup{}, kNow).state; }
State master(const Params& params = kParams) { return step(params, State{}, Resumed{}, kNow).state; }
State leaving() { return step(kParams, master(), Shutdown{}, kNow).state; }
State ceding() { return step(kParams, master(), Cede{"failover by alice"}, kNow).state; }
State fault() { return step(kParams, State{}, Lost{"eth0 is down"}, kNow).state; }

Heard heard(std::uint8_t priority, base::IpAddress source = kLower, base::Duration interval = 1s) {
  return {source, priority, interval};
}

// ---- S25: every pair of state and event has a row -------------------------------------------------------------------

struct Row {
  const char* claim;
  Role next;
  std::vector<Action> actions;
};

constexpr std::size_t kStates = 6;
constexpr std::size_t kEvents = std::variant_size_v<Event>;

const std::array<Event, kEvents>& events() {
  static const std::array<Event, kEvents> all{Startup{},
                                              Resumed{},
                                              heard(50),
                                              TimerExpired{},
                                              Reconfigured{},
                                              Stalled{10s},
                                              Lost{"eth0 is down"},
                                              Shutdown{},
                                              Barred{"track uplink: eth1 is down"},
                                              Yield{"inside: priority 150 from 10.0.0.2"},
                                              Cede{"failover by alice"}};
  return all;
}

// Order of the columns: as in Event. The timer is due, the advertisement heard has a lower priority.
const std::array<std::array<Row, kEvents>, kStates>& table() {
  static const std::array<std::array<Row, kEvents>, kStates> rows{{
      // init
      {{{"starts as backup, holding nothing", Role::backup, {DropAddresses{}}},
        {"goes on as master", Role::master, {SendAdvert{100}, TakeAddresses{}, Announce{}}},
        {"does not listen yet", Role::init, {}},
        {"has no timer", Role::init, {}},
        {"has nothing to adapt", Role::init, {}},
        {"cannot stall", Role::init, {}},
        {"starts in fault", Role::fault, {DropAddresses{}}},
        {"has nothing to stop", Role::init, {}},
        {"starts in fault", Role::fault, {DropAddresses{}}},
        {"has nothing to yield", Role::init, {}},
        {"has nothing to cede", Role::init, {}}}},
      // backup
      {{{"is started already", Role::backup, {}},
        {"is started already", Role::backup, {}},
        {"lets its timer depose a lesser master", Role::backup, {}},
        {"becomes master", Role::master, {SendAdvert{100}, TakeAddresses{}, Announce{}}},
        {"adapts its timer", Role::backup, {}},
        {"owned nothing while it stood still", Role::backup, {}},
        {"goes to fault", Role::fault, {}},
        {"leaves without a word", Role::init, {}},
        {"goes to fault", Role::fault, {}},
        {"has nothing to yield", Role::backup, {}},
        {"has nothing to cede", Role::backup, {}}}},
      // master
      {{{"is started already", Role::master, {}},
        {"is started already", Role::master, {}},
        {"asserts itself", Role::master, {SendAdvert{100}, AnnounceOnce{}}},
        {"advertises", Role::master, {SendAdvert{100}}},
        {"tells its peers at once", Role::master, {SendAdvert{100}, TakeAddresses{}}},
        {"assumes that a peer took over, and says so", Role::backup, {DropAddresses{}, SendAdvert{0}}},
        {"gives up the addresses", Role::fault, {DropAddresses{}}},
        {"resigns, and holds the addresses", Role::master, {SendAdvert{0}, TakeAddresses{}, Silence{}}},
        {"resigns, and holds the addresses", Role::master, {SendAdvert{0}, TakeAddresses{}, Silence{}}},
        {"gives way", Role::backup, {DropAddresses{}, SendAdvert{100}}},
        {"resigns, and holds the addresses", Role::master, {SendAdvert{0}, TakeAddresses{}, Silence{}}}}},
      // fault
      {{{"starts over as backup", Role::backup, {DropAddresses{}}},
        {"cannot resume", Role::fault, {}},
        {"does not listen", Role::fault, {}},
        {"has no timer", Role::fault, {}},
        {"has nothing to adapt", Role::fault, {}},
        {"cannot stall", Role::fault, {}},
        {"is in fault already", Role::fault, {}},
        {"stops", Role::init, {}},
        {"is in fault already", Role::fault, {}},
        {"has nothing to yield", Role::fault, {}},
        {"has nothing to cede", Role::fault, {}}}},
      // master that has resigned because it stops
      {{{"does not come back", Role::master, {}},
        {"does not come back", Role::master, {}},
        {"has found its successor", Role::init, {DropAddresses{}}},
        {"has waited long enough", Role::init, {DropAddresses{}}},
        {"has nothing to adapt", Role::master, {}},
        {"has waited long enough", Role::init, {DropAddresses{}}},
        {"cannot hear a successor", Role::init, {DropAddresses{}}},
        {"is leaving already", Role::master, {}},
        {"is leaving already", Role::master, {}},
        {"has waited long enough", Role::init, {DropAddresses{}}},
        {"is leaving already", Role::master, {}}}},
      // master that has resigned by command
      {{{"is started already", Role::master, {}},
        {"is started already", Role::master, {}},
        {"has found its successor", Role::backup, {DropAddresses{}}},
        {"stays, for nobody has come", Role::master, {SendAdvert{100}, TakeAddresses{}, Announce{}}},
        {"has nothing to adapt", Role::master, {}},
        {"has waited long enough", Role::backup, {DropAddresses{}}},
        {"cannot hear a successor", Role::fault, {DropAddresses{}}},
        {"leaves for good", Role::master, {}},
        {"leaves for a fault", Role::master, {}},
        {"gives way", Role::backup, {DropAddresses{}}},
        {"is leaving already", Role::master, {}}}},
  }};
  return rows;
}

State state_of(std::size_t role) {
  const std::array<State, kStates> states{State{}, backup(), master(), fault(), leaving(), ceding()};
  return states[role];
}

TEST(StateMachine, DoesInEveryStateOnEveryEventWhatTheTableSays) {
  for (std::size_t role = 0; role < kStates; ++role) {
    for (std::size_t event = 0; event < kEvents; ++event) {
      const Row& row = table()[role][event];
      const State before = state_of(role);
      const Step result = step(kParams, before, events()[event], kNow + 5s);
      const auto place = "role " + std::to_string(role) + ", event " + std::to_string(event) + ": " + row.claim;
      EXPECT_EQ(result.state.role, row.next) << place;
      EXPECT_EQ(result.actions, row.actions) << place;
      EXPECT_EQ(result.state.deadline.has_value(), row.next == Role::backup || row.next == Role::master) << place;
    }
  }
}

// ---- §6.4.1 Initialize ----------------------------------------------------------------------------------------------

TEST(Start, MakesTheOwnerMasterAtOnce) {  // S1
  const Params owner{.priority = 255, .advert_interval = 1s, .preempt = true, .own_address = kUs};
  const Step result = step(owner, State{}, Startup{}, kNow);
  EXPECT_EQ(result.state.role, Role::master);
  EXPECT_EQ(result.state.deadline, kNow + 1s);
  EXPECT_THAT(result.actions, ElementsAre(SendAdvert{255}, TakeAddresses{}, Announce{}));
}

TEST(Start, WaitsForOneMasterDownIntervalOfOurOwn) {  // S2
  EXPECT_EQ(backup().deadline, kNow + 3609375us);
}

// ---- §6.4.2 Backup --------------------------------------------------------------------------------------------------

TEST(Backup, AdvertisesBeforeItTakesAndAnnouncesTheAddresses) {  // S7
  const Step result = step(kParams, backup(), TimerExpired{}, kNow + 3609375us);
  EXPECT_THAT(result.actions, ElementsAre(SendAdvert{100}, TakeAddresses{}, Announce{}));
  EXPECT_EQ(result.state.deadline, kNow + 3609375us + 1s);
}

TEST(Backup, DoesNotBelieveATimerThatIsNotDue) {
  const Step result = step(kParams, backup(), TimerExpired{}, kNow + 3609374us);
  EXPECT_EQ(result.state, backup());
  EXPECT_THAT(result.actions, IsEmpty());
}

TEST(Backup, WaitsForTheSkewTimeOnlyWhenTheMasterResigns) {  // S8
  const Step result = step(kParams, backup(), heard(0), kNow + 1s);
  EXPECT_EQ(result.state.role, Role::backup);
  EXPECT_EQ(result.state.deadline, kNow + 1s + 609375us);
}

TEST(Backup, CountsTheSkewTimeInTheMastersInterval) {
  const State following = step(kParams, backup(), heard(150, kLower, 2s), kNow).state;
  EXPECT_EQ(step(kParams, following, heard(0), kNow).state.deadline, kNow + 1218750us);
}

TEST(Backup, FollowsAMasterOfEqualOrHigherPriorityAtItsInterval) {  // S9
  for (const std::uint8_t priority : std::array<std::uint8_t, 3>{100, 101, 255}) {
    const Step result = step(kParams, backup(), heard(priority, kLower, 500ms), kNow + 1s);
    EXPECT_EQ(result.state.deadline, kNow + 1s + master_down_interval(100, 500ms)) << int{priority};
    EXPECT_THAT(result.actions, IsEmpty());
  }
}

TEST(Backup, FollowsAnyMasterWhenItMayNotPreempt) {  // S9
  Params patient = kParams;
  patient.preempt = false;
  EXPECT_EQ(step(patient, backup(), heard(1), kNow + 1s).state.deadline, kNow + 1s + 3609375us);
}

TEST(Backup, ChangesNothingOnALesserMasterWhenItMayPreempt) {  // S10
  EXPECT_EQ(step(kParams, backup(), heard(99, kGreater, 500ms), kNow + 1s).state, backup());
}

TEST(Backup, SaysNothingWhenItStops) {  // S11
  const Step result = step(kParams, backup(), Shutdown{}, kNow);
  EXPECT_THAT(result.actions, IsEmpty());
  EXPECT_FALSE(result.state.deadline);
}

TEST(Backup, BecomesMasterAtOnceWhenItIsMadeTheOwner) {  // S19
  Params owner = kParams;
  owner.priority = 255;
  owner.preempt = false;
  EXPECT_EQ(step(owner, backup(), Reconfigured{}, kNow).state.role, Role::master);
}

TEST(Backup, CountsAChangedPriorityFromTheMastersLastSignOfLife) {
  const State following = step(kParams, backup(), heard(150), kNow + 1s).state;
  Params better = kParams;
  better.priority = 200;
  EXPECT_EQ(step(better, following, Reconfigured{}, kNow + 2s).state.deadline,
            kNow + 1s + master_down_interval(200, 1s));
}

TEST(Backup, IsNotDelayedByAReloadWhileTheMasterLeaves) {
  const State waiting = step(kParams, backup(), heard(0), kNow + 1s).state;
  EXPECT_EQ(step(kParams, waiting, Reconfigured{}, kNow + 1200ms).state, waiting);
}

// ---- §6.4.3 Active --------------------------------------------------------------------------------------------------

TEST(Master, AdvertisesEachIntervalWithoutDrift) {  // S14
  Step result = step(kParams, master(), TimerExpired{}, kNow + 1s + 3ms);
  EXPECT_THAT(result.actions, ElementsAre(SendAdvert{100}));
  EXPECT_EQ(result.state.deadline, kNow + 2s);
}

TEST(Master, DoesNotMakeUpForMissedAdvertsInARush) {
  const Step result = step(kParams, master(), TimerExpired{}, kNow + 2500ms);
  EXPECT_THAT(result.actions, ElementsAre(SendAdvert{100}));
  EXPECT_EQ(result.state.deadline, kNow + 3500ms);
}

TEST(Backup, IsNotHurriedByTheResignationOfAnotherThanItsMaster) {  // its master may have answered it already
  const State following = step(kParams, backup(), heard(150, kGreater), kNow).state;
  EXPECT_EQ(step(kParams, following, heard(0, kLower), kNow + 100ms).state, following);
  EXPECT_EQ(step(kParams, following, heard(0, kGreater), kNow + 100ms).state.deadline,
            kNow + 100ms + skew_time(100, 1s));
}

TEST(Master, AnswersAResignationWithAnAdvert) {  // S15
  const Step result = step(kParams, master(), heard(0), kNow + 500ms);
  EXPECT_THAT(result.actions, ElementsAre(SendAdvert{100}, AnnounceOnce{}));  // L4: there was a second master
  EXPECT_EQ(result.state.deadline, kNow + 1500ms);
}

TEST(Master,
     AnswersAResignationThatFollowsItsAdvertAtOnce) {  // a backup may wait for less than the rest of an interval
  const State advertised = step(kParams, master(), TimerExpired{}, kNow + 1s).state;
  const Step result = step(kParams, advertised, heard(0), kNow + 1001ms);
  EXPECT_THAT(result.actions, ElementsAre(SendAdvert{100}, AnnounceOnce{}));
}

TEST(Master, AnswersLaterWhatItMayNotAnswerYet) {
  const State answered = step(kParams, master(), heard(0), kNow + 500ms).state;
  const Step result = step(kParams, answered, heard(0), kNow + 510ms);
  EXPECT_THAT(result.actions, testing::IsEmpty());
  EXPECT_EQ(result.state.deadline, kNow + 600ms);
}

TEST(Master, YieldsToAHigherPriorityAndAdoptsItsInterval) {  // S16
  const Step result = step(kParams, master(), heard(101, kLower, 2s), kNow + 500ms);
  EXPECT_EQ(result.state.role, Role::backup);
  EXPECT_EQ(result.state.deadline, kNow + 500ms + master_down_interval(100, 2s));
}

TEST(Master, LetsTheWinnerKnowOfItselfOnceTheAddressesAreGone) {  // L4, when the winner could not hear us before
  const Step result = step(kParams, master(), heard(101, kGreater, 2s), kNow + 500ms);
  EXPECT_THAT(result.actions,
              ElementsAre(DropAddresses{}, SendAdvert{100, 2s}));  // whoever follows it waits for the winner
}

TEST(Master, SettlesATieByTheGreaterAddressAsAnUnsignedNumber) {  // S16
  EXPECT_EQ(step(kParams, master(), heard(100, kGreater), kNow + 500ms).state.role, Role::backup);
  EXPECT_EQ(step(kParams, master(), heard(100, kLower), kNow + 500ms).state.role, Role::master);
  EXPECT_EQ(step(kParams, master(), heard(100, base::IpAddress::v4(0xc0000001)), kNow + 500ms).state.role,
            Role::backup);
}

TEST(Master, SettlesATieOfIpv6ByTheWholeAddress) {  // S16
  Params params = kParams;
  params.own_address = *base::IpAddress::parse("fe80::ff");
  const auto hear = [&](const char* source) {
    return step(params, master(), Heard{*base::IpAddress::parse(source), params.priority, 1s}, kNow + 500ms).state.role;
  };
  EXPECT_EQ(hear("fe80::1:0"), Role::backup);
  EXPECT_EQ(hear("fe80::fe"), Role::master);
}

TEST(Backup, OfVersion2WaitsForFractionsOfASecond) {  // RFC 3768 §6.1
  Params params = kParams;
  params.version = 2;
  params.advert_interval = 10s;
  const State backup = step(params, State{}, Startup{}, kNow).state;
  EXPECT_EQ(backup.deadline, kNow + 30s + 609'375us);
  const auto resigned = step(params, backup, Heard{*base::IpAddress::parse("10.0.0.9"), 0, 10s}, kNow).state;
  EXPECT_EQ(resigned.deadline, kNow + 609'375us);
}

TEST(Master, UsesItsPresentAddressForTheTie) {  // S24
  Params renumbered = kParams;
  renumbered.own_address = base::IpAddress::v4(0x0a000005);
  EXPECT_EQ(step(renumbered, master(), heard(100, kGreater), kNow + 500ms).state.role, Role::master);
}

TEST(Master, AssertsItselfAgainstALesserOneWithoutTouchingItsTimer) {  // S17, T18
  const Step result = step(kParams, master(), heard(99, kGreater), kNow + 500ms);
  EXPECT_THAT(result.actions, ElementsAre(SendAdvert{100}, AnnounceOnce{}));
  EXPECT_EQ(result.state.deadline, kNow + 1s);
}

TEST(Master, IsNotMadeAFloodByAFlood) {
  State state = master();
  int sent = 0;
  for (int i = 1; i <= 1000; ++i) {
    Step result = step(kParams, state, heard(i % 2 == 0 ? std::uint8_t{0} : std::uint8_t{99}), kNow + i * 1ms);
    state = result.state;
    for (const auto& action : result.actions) sent += std::holds_alternative<SendAdvert>(action) ? 1 : 0;
  }
  EXPECT_GT(sent, 0);
  EXPECT_LE(sent, 10);
}

TEST(Master, AnnouncesAgainAfterADoubleMaster) {  // L4: now, and with the second and fourth advert without a rival
  State state = step(kParams, master(), heard(99), kNow + 500ms).state;
  std::vector<bool> announced;
  for (int i = 1; i <= 5; ++i) {
    const Step result = step(kParams, state, TimerExpired{}, kNow + i * 1s);
    announced.push_back(result.actions.size() == 2 && std::holds_alternative<AnnounceOnce>(result.actions[1]));
    state = result.state;
  }
  EXPECT_THAT(announced, ElementsAre(false, true, false, true, false));
}

TEST(Master, DoesNotFightByAnnouncementsWhileARivalLasts) {  // L5: one that does not hear us
  State state = master();
  int announced = 0;
  for (int i = 1; i <= 80; ++i) {
    Step result = step(kParams, state, heard(99), kNow + i * 100ms - 50ms);
    if (i % 10 != 5) result = {state, {}};  // its adverts come each second, between ours
    for (const auto& action : result.actions) announced += std::holds_alternative<AnnounceOnce>(action) ? 1 : 0;
    result = step(kParams, result.state, TimerExpired{}, kNow + i * 100ms);
    for (const auto& action : result.actions) announced += std::holds_alternative<AnnounceOnce>(action) ? 1 : 0;
    state = result.state;
  }
  EXPECT_EQ(announced, 1);
}

TEST(Master, RepairsAtOnceWhenARivalSaysItsLastWord) {
  State state = step(kParams, master(), heard(99), kNow + 500ms).state;
  state = step(kParams, state, heard(99), kNow + 1500ms).state;
  EXPECT_THAT(step(kParams, state, heard(99), kNow + 1600ms).actions, testing::Contains(Action{AnnounceOnce{}}));
}

TEST(Master, ResignsWithPriorityZeroWhenItStops) {  // S18
  const Step result = step(kParams, master(), Shutdown{}, kNow);
  EXPECT_THAT(result.actions, ElementsAre(SendAdvert{0}, TakeAddresses{}, Silence{}));
  EXPECT_EQ(result.state.leaving_for, Role::init);
}

TEST(Master, WaitsAfterAStallUntilALivingMasterMustHaveBeenHeard) {
  const Step result = step(kParams, master(), Stalled{7s}, kNow + 7s);
  EXPECT_EQ(result.state.role, Role::backup);
  EXPECT_EQ(result.state.deadline, kNow + 7s + 1s + 609375us);
}

TEST(Owner, DoesNotGiveUpItsOwnAddressesAfterAStall) {
  const Params owner{.priority = 255, .advert_interval = 1s, .preempt = true, .own_address = kUs};
  const Step result = step(owner, master(owner), Stalled{7s}, kNow + 7s);
  EXPECT_EQ(result.state.role, Role::master);
  EXPECT_THAT(result.actions, ElementsAre(SendAdvert{255}, TakeAddresses{}, Announce{}));
}

TEST(Owner, YieldsToAnotherOwnerOfGreaterAddress) {  // R8, S22
  const Params owner{.priority = 255, .advert_interval = 1s, .preempt = true, .own_address = kUs};
  EXPECT_EQ(step(owner, master(owner), heard(255, kGreater), kNow + 500ms).state.role, Role::backup);
  EXPECT_EQ(step(owner, master(owner), heard(254, kGreater), kNow + 500ms).state.role, Role::master);
}

// ---- Words ----------------------------------------------------------------------------------------------------------

TEST(Reason, SaysWhyInOneClause) {
  EXPECT_EQ(reason(kParams, State{}, Startup{}), "started");
  EXPECT_EQ(reason(kParams, fault(), Startup{}), "usable again");
  EXPECT_EQ(reason(kParams, backup(), TimerExpired{}), "master down timer expired (3.61s)");
  const State left = step(kParams, backup(), heard(0), kNow).state;
  EXPECT_EQ(reason(kParams, left, TimerExpired{}), "10.0.0.2 resigned (priority 0)");
  EXPECT_EQ(reason(kParams, master(), heard(150)), "priority 150 from 10.0.0.2");
  EXPECT_EQ(reason(kParams, master(), heard(100, kGreater)), "equal priority 100 and greater address 10.0.0.4");
  EXPECT_EQ(reason(kParams, master(), Lost{"eth0 is down"}), "eth0 is down");
  EXPECT_EQ(reason(kParams, master(), Stalled{7s}), "stood still for 7.0s");
  EXPECT_EQ(reason(kParams, leaving(), heard(100)), "stopping; 10.0.0.2 has taken over");
  EXPECT_EQ(reason(kParams, leaving(), TimerExpired{}), "stopping; nobody has taken over");
  EXPECT_EQ(reason(kParams, ceding(), heard(100)), "failover by alice; 10.0.0.2 has taken over");
}

}  // namespace
}  // namespace lvsd::vrrp

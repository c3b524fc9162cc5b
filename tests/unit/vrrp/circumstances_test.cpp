#include "vrrp/circumstances.hpp"

#include <chrono>

#include <gtest/gtest.h>

namespace lvsd::vrrp {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const base::TimePoint kNow{std::chrono::hours{1}};
const Circumstances kFine;
const Circumstances kNoLink{.unusable = "eth0 is down", .barred = "track uplink"};
const Circumstances kBarred{.unusable = {}, .barred = "track uplink"};

State of(Role role) { return {.role = role, .deadline = kNow + seconds{1}, .last_sent = kNow}; }

template <class T>
bool is(const std::optional<Event>& event) {
  return event && std::holds_alternative<T>(*event);
}

TEST(Circumstances, OfAStartAreTheLinkThenWhatBarsThenTheMastershipOfBefore) {
  EXPECT_TRUE(std::holds_alternative<Lost>(event_at_start(kNoLink, true)));
  EXPECT_TRUE(std::holds_alternative<Barred>(event_at_start(kBarred, true)));
  EXPECT_TRUE(std::holds_alternative<Resumed>(event_at_start(kFine, true)));
  EXPECT_TRUE(std::holds_alternative<Startup>(event_at_start(kFine, false)));
}

TEST(Circumstances, EndARoleWhenTheLinkIsGoneOrSomethingBars) {
  for (const Role role : {Role::backup, Role::master}) {
    EXPECT_TRUE(is<Lost>(event_of(kNoLink, of(role))));
    EXPECT_TRUE(is<Barred>(event_of(kBarred, of(role))));
    EXPECT_FALSE(event_of(kFine, of(role)));
  }
}

TEST(Circumstances, EndAFaultOnlyWhenNothingIsWrongAndSayWhenItIsAgain) {
  EXPECT_TRUE(is<Lost>(event_of(kNoLink, of(Role::fault))));
  EXPECT_TRUE(is<Barred>(event_of(kBarred, of(Role::fault))));
  EXPECT_TRUE(is<Startup>(event_of(kFine, of(Role::fault))));
}

TEST(Circumstances, BringBackAMasterThatHasResignedBecauseOfThemButNotOneThatStops) {
  State leaving = of(Role::master);
  leaving.leaving_for = Role::fault;
  EXPECT_TRUE(is<Barred>(event_of(kBarred, leaving)));
  EXPECT_TRUE(is<Startup>(event_of(kFine, leaving)));
  leaving.leaving_for = Role::init;
  EXPECT_FALSE(event_of(kFine, leaving));
}

TEST(Circumstances, MeanNothingBeforeTheStart) { EXPECT_FALSE(event_of(kNoLink, of(Role::init))); }

TEST(Stall, IsAGapThatAPeerCanHaveNoticedByEitherClock) {
  const State master = of(Role::master);
  EXPECT_FALSE(stall(master, seconds{1}, kNow + seconds{3}, seconds{3}));
  EXPECT_EQ(stall(master, seconds{1}, kNow + milliseconds{3001}, seconds{1})->gap, milliseconds{3001});
  EXPECT_EQ(stall(master, seconds{1}, kNow + seconds{1}, seconds{60})->gap, seconds{60});
}

TEST(Stall, IsNothingForABackupOrForAMasterThatHasResigned) {
  EXPECT_FALSE(stall(of(Role::backup), seconds{1}, kNow + seconds{60}, seconds{60}));
  State leaving = of(Role::master);
  leaving.leaving_for = Role::init;
  EXPECT_FALSE(stall(leaving, seconds{1}, kNow + seconds{60}, seconds{60}));
}

TEST(Lease, IsRenewedByEachAdvertisementOfAMaster) {
  const std::vector<Action> advert{SendAdvert{100}};
  EXPECT_TRUE(renews_lease(advert, of(Role::master)));
  EXPECT_FALSE(renews_lease({}, of(Role::master)));
  EXPECT_FALSE(renews_lease(advert, of(Role::backup)));  // the last word of one that gives way
}

}  // namespace
}  // namespace lvsd::vrrp

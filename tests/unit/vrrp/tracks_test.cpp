#include "vrrp/tracks.hpp"

#include <array>

#include <gtest/gtest.h>

namespace lvsd::vrrp {
namespace {

LinkTable links(bool up, bool running) {
  LinkTable table;
  Link link;
  link.index = 2;
  link.name = "eth1";
  link.up = up;
  link.running = running;
  table.put(link);
  return table;
}

const TrackConfig kUplink{"uplink", "eth1", -60, false};
const TrackConfig kSpare{"spare", "eth1", 20, true};

TEST(Tracks, FailUnlessTheInterfaceIsUpAndHasACarrier) {
  const struct {
    LinkTable table;
    bool fails;
  } rows[] = {{links(true, true), false}, {links(true, false), true}, {links(false, false), true}, {LinkTable{}, true}};
  for (const auto& row : rows) {
    EXPECT_EQ(failing(kUplink, row.table), row.fails);
    EXPECT_EQ(failing(kSpare, row.table), !row.fails);
  }
}

TEST(Tracks, AddTheirWeightsToThePriorityWhileTheyFail) {
  EXPECT_EQ(effective_priority(150, std::array{kUplink, kSpare}, links(true, true)), 170);
  EXPECT_EQ(effective_priority(150, std::array{kUplink, kSpare}, LinkTable{}), 90);
}

TEST(Tracks, LeaveThePriorityBetweenOneAndTheOwners) {
  EXPECT_EQ(effective_priority(50, std::array{kUplink}, LinkTable{}), 1);
  EXPECT_EQ(effective_priority(250, std::array{kSpare}, links(true, true)), 254);
}

TEST(Tracks, DoNotConcernAnOwner) { EXPECT_EQ(effective_priority(255, std::array{kUplink}, LinkTable{}), 255); }

TEST(Tracks, WithoutAWeightAreAFaultWithItsCause) {
  const TrackConfig track{"uplink", "eth1", std::nullopt, false};
  EXPECT_EQ(fault(std::array{kSpare, track}, links(true, true)), "");
  EXPECT_EQ(fault(std::array{track}, links(true, false)), "track uplink: eth1 has no carrier");
  EXPECT_EQ(fault(std::array{track}, links(false, false)), "track uplink: eth1 is down");
  EXPECT_EQ(fault(std::array{track}, LinkTable{}), "track uplink: eth1 does not exist");
  EXPECT_EQ(effective_priority(150, std::array{track}, LinkTable{}), 150);
}

TEST(Tracks, TellWhatTheirFailuresCost) {
  EXPECT_EQ(costs(std::array{kUplink, kSpare}, LinkTable{}), "uplink -60");
  EXPECT_EQ(costs(std::array{kUplink, kSpare}, links(true, true)), "spare +20");
}

}  // namespace
}  // namespace lvsd::vrrp

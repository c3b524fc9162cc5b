// [track] and [sync_group]: what instances depend on and which go together.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fixture.hpp"

namespace lvsd::daemon {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const std::string kInside = R"([vrrp inside]
interface = eth1
virtual_router_id = 52
virtual_address = 10.1.0.1/24
)";
const std::string kNodes = "[node lvs1]\naddress = 10.0.0.2\n[node lvs2]\naddress = 10.0.0.3\n";

// Two nodes, 150 and 100, with lines in the instance and sections after it.
std::vector<std::string> said_of_pair(const std::string& lines, const std::string& sections) {
  return said_of(kFront + "priority = 150\npriority@lvs2 = 100\n" + lines + kNodes + sections, "lvs1");
}

TEST(Tracks, AreReadIntoTheInstancesThatNameThem) {
  const auto outcome =
      parse_text(kFront + "track = uplink, spare\n[track uplink]\ntype = interface\ninterface = eth2\n" +
                 "[track spare]\ntype = interface\ninterface = eth3\nweight = -60\nreverse = yes\n");
  ASSERT_TRUE(outcome.config);
  EXPECT_THAT(outcome.config->vrrp.instances.at(0).tracks,
              ElementsAre(vrrp::TrackConfig{"uplink", "eth2", std::nullopt, false},
                          vrrp::TrackConfig{"spare", "eth3", -60, true}));
}

TEST(Tracks, ThatCannotWorkAreRefused) {
  EXPECT_THAT(said_of(kFront + "track = uplnk\n[track uplink]\ntype = interface\ninterface = eth2\n"),
              ElementsAre("5:9 error: there is no [track uplnk]; did you mean \"uplink\"?",
                          "6:2 warning: [track uplink] is not used"));
  EXPECT_THAT(said_of(kFront + "track = a\n[track a]\ntype = interface\nweight = 0\n"),
              ElementsAre("6:2 error: [track a] has no \"interface\"", "8:10 error: a weight of 0 changes nothing"));
  EXPECT_THAT(said_of(kFront + "track = a\n[track a]\ntype = interface\ninterface = eth2\nweight = -254\n"),
              ElementsAre("9:10 error: weight = -254: must be -253..253"));
}

TEST(Tracks, WhoseWeightsCannotChangeTheMasterAreWarnedAboutWithTheNumbers) {
  const std::string a = "[track a]\ntype = interface\ninterface = eth2\nweight = ";
  EXPECT_THAT(said_of_pair("track = a\n", a + "-51\n"), IsEmpty());
  EXPECT_THAT(said_of_pair("track = a\n", a + "-10\n"),
              ElementsAre("15:10 warning: the weights of [vrrp front] cannot change who is master: with every track "
                          "failing lvs1 still has 140, and lvs2 100"));
  EXPECT_THAT(said_of_pair("track = a\n", a + "-50\n").size(), 1u);  // a tie is no order
  EXPECT_THAT(said_of_pair("track = a, b\n", a + "-30\n[track b]\ntype = interface\ninterface = eth3\nweight = -30\n"),
              IsEmpty());
  EXPECT_EQ(parse_text(kFront + "priority = 150\npriority@lvs2 = 100\ntrack = a\n" + kNodes + a + "-10\n", "lvs1")
                .diagnostics.at(0)
                .hint,
            "the weights must add up to -51 or less");
}

TEST(SyncGroup, UnitesTheTracksOfItsMembers) {
  const auto outcome = parse_text(
      kFront + "track = a\n" + kInside + "track = b, a\n[sync_group both]\nmember = front, inside\ntrack = c\n" +
      "[defaults track]\ntype = interface\n[track a]\ninterface = eth2\n[track b]\ninterface = eth3\n" +
      "[track c]\ninterface = eth4\n");
  ASSERT_TRUE(outcome.config) << render(outcome.diagnostics, {});
  for (const auto& instance : outcome.config->vrrp.instances) {
    EXPECT_EQ(instance.sync_group, "both");
    std::vector<std::string> names;
    for (const auto& track : instance.tracks) names.push_back(track.name);
    EXPECT_THAT(names, ElementsAre("c", "a", "b"));
  }
  EXPECT_THAT(outcome.config->vrrp.sync_groups, ElementsAre(vrrp::SyncGroupConfig{"both", {"front", "inside"}}));
}

TEST(SyncGroup, ThatCannotActAsOneIsRefused) {
  EXPECT_THAT(said_of(kFront + kInside + "[sync_group a]\nmember = front, outside\n[sync_group b]\nmember = front\n"),
              ElementsAre("9:2 warning: [sync_group a] has one member only", "10:17 error: there is no [vrrp outside]",
                          "12:10 error: front is a member of [sync_group a] already"));
  EXPECT_THAT(said_of(kFront + kInside + "priority = 90\n[sync_group a]\nmember = front, inside\n"),
              ElementsAre("9:12 error: inside has priority 90, and front of the same sync group has 100"));
  EXPECT_THAT(
      said_of("[defaults vrrp]\npriority = 255\n" + kFront + kInside + "[sync_group a]\nmember = front, inside\n"),
      ElementsAre("2:12 error: priority 255 is not possible in [sync_group a]"));
  EXPECT_THAT(said_of(kFront + kInside + "[sync_group a]\n"),
              ElementsAre("9:2 error: [sync_group a] has no \"member\""));
}

TEST(SyncGroup, WeightsAreJudgedOnceForTheWholeGroup) {
  const auto text = "[defaults vrrp]\npriority = 150\npriority@lvs2 = 100\n" + kFront + kInside + kNodes +
                    "[sync_group both]\nmember = front, inside\ntrack = a\n" +
                    "[track a]\ntype = interface\ninterface = eth2\nweight = -10\n";
  EXPECT_THAT(
      said_of(text, "lvs2"),
      ElementsAre("22:10 warning: the weights of [sync_group both] cannot change who is master: with every track "
                  "failing lvs1 still has 140, and lvs2 100"));
}

}  // namespace
}  // namespace lvsd::daemon

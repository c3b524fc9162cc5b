#include "ipvs/engine/interface_check.hpp"

#include <gmock/gmock.h>

namespace lvsd::ipvs::engine {
namespace {

using ::testing::HasSubstr;

struct Case {
  const char* claim;
  InterfaceFeatures features;
  bool native;
  const char* command;  // "" where nothing is in the way
};

class InterfaceCheck : public ::testing::TestWithParam<Case> {};

TEST_P(InterfaceCheck, NamesTheCommandThatHelps) {
  const auto& c = GetParam();
  const auto problem = problem_of("eth7", c.features, c.native);
  if (*c.command == '\0') {
    EXPECT_EQ(problem, "") << c.claim;
  } else {
    EXPECT_THAT(problem, HasSubstr(c.command)) << c.claim;
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, InterfaceCheck,
    ::testing::Values(
        Case{"an ordinary interface", {.mtu = 1500}, true, ""},
        Case{"the largest MTU that fits a chunk", {.mtu = 1778}, true, ""},
        Case{"one byte more does not fit", {.mtu = 1779}, true, "ip link set dev eth7 mtu 1500"},
        Case{"LRO in native mode", {.large_receive_offload = true}, true, "ethtool -K eth7 lro off"},
        Case{"LRO in generic mode", {.large_receive_offload = true}, false, "ethtool -K eth7 lro off"},
        Case{"GRO comes after native XDP", {.generic_receive_offload = true}, true, ""},
        Case{"GRO comes before generic XDP", {.generic_receive_offload = true}, false, "ethtool -K eth7 gro off"},
        Case{"tags that nobody misses", {.takes_tags_off = true}, true, ""},
        Case{"VLANs whose tags stay", {.carries_vlans = true}, true, ""},
        Case{"VLANs without tags", {.takes_tags_off = true, .carries_vlans = true}, true, "ethtool -K eth7 rxvlan off"},
        Case{"VLANs without tags on a veth",
             {.takes_tags_off = true, .carries_vlans = true, .virtual_pair = true},
             true,
             "other end: ethtool -K IFNAME txvlan off"}));

TEST(ReadFeatures, OfAnInterfaceThatDoesNotAnswerAreTheDefaults) {
  const auto features = read_features("no-such-if", 1400, 3);
  ASSERT_TRUE(features);
  EXPECT_EQ(features->mtu, 1400u);
  EXPECT_EQ(features->receive_queues, 3u);
  EXPECT_EQ(features->transmit_queues, 3u);
  EXPECT_FALSE(features->large_receive_offload);
}

}  // namespace
}  // namespace lvsd::ipvs::engine

#include "ipvs/through_vip.hpp"

#include <gmock/gmock.h>

namespace lvsd::ipvs {
namespace {

using ::testing::HasSubstr;

const std::vector<MarkedAddress> kBoth{{0x4c560001, *base::IpAddress::parse("10.0.0.100")},
                                       {0x4c560002, *base::IpAddress::parse("2001:db8::100")}};

TEST(ThroughVip, NothingIsInForceWhereNobodyAsksSoOrNoInterfaceIsThere) {
  EXPECT_EQ(through_vip_rules({}, {"eth0"}), "");
  EXPECT_EQ(through_vip_rules(kBoth, {}), "");
}

TEST(ThroughVip, EachVirtualAddressHasItsWayOutAndItsWayBack) {
  const auto rules = through_vip_rules(kBoth, {"eth0", "eth1"});
  EXPECT_THAT(rules, HasSubstr("hook egress devices = { eth0, eth1 }"));
  EXPECT_THAT(rules, HasSubstr("hook ingress devices = { eth0, eth1 }"));
  EXPECT_THAT(rules, HasSubstr("meta mark 0x4c560001 update @servers4 { meta l4proto . th sport : ip daddr } "
                               "ip daddr set 10.0.0.100\n"));
  EXPECT_THAT(rules, HasSubstr("ip saddr 10.0.0.100 ip saddr set meta l4proto . th dport map @servers4\n"));
  EXPECT_THAT(rules, HasSubstr("meta mark 0x4c560002 update @servers6 { meta l4proto . th sport : ip6 daddr } "
                               "ip6 daddr set 2001:db8::100\n"));
  EXPECT_THAT(rules, HasSubstr("ip6 saddr 2001:db8::100 ip6 saddr set meta l4proto . th dport map @servers6\n"));
}

}  // namespace
}  // namespace lvsd::ipvs

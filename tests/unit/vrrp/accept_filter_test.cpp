#include "vrrp/accept_filter.hpp"

#include <gmock/gmock.h>

namespace lvsd::vrrp {
namespace {

using testing::HasSubstr;
using testing::Not;

InstanceConfig instance(bool accept, std::uint8_t priority, std::vector<const char*> addresses) {
  InstanceConfig config;
  config.accept = accept;
  config.priority = priority;
  for (const auto* text : addresses) config.virtual_addresses.push_back({.prefix = *base::Prefix::parse(text)});
  return config;
}

TEST(AcceptRules, AreNoneWhereEverybodyAccepts) {
  EXPECT_EQ(accept_rules({instance(true, 100, {"10.0.0.100/24"})}), "");
  EXPECT_EQ(accept_rules({}), "");
}

TEST(AcceptRules, DropWhatIsForTheAddressesOfBothFamilies) {
  const auto rules = accept_rules({instance(false, 100, {"10.0.0.100/24", "10.0.0.101/32"}),
                                   instance(true, 100, {"10.0.0.102/24"}), instance(false, 100, {"fe80::100/64"})});
  EXPECT_THAT(rules, HasSubstr("ip daddr { 10.0.0.100, 10.0.0.101 } counter drop"));
  EXPECT_THAT(rules, HasSubstr("ip6 daddr { fe80::100 } counter drop"));
  EXPECT_THAT(rules, Not(HasSubstr("10.0.0.102")));
}

TEST(AcceptRules, NeverDropNeighbourDiscovery) {
  const auto rules = accept_rules({instance(false, 100, {"fe80::100/64"})});
  const auto discovery = rules.find("icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept");
  ASSERT_NE(discovery, std::string::npos);
  EXPECT_LT(discovery, rules.find("drop"));
}

TEST(AcceptRules, DoNotConcernTheOwner) { EXPECT_EQ(accept_rules({instance(false, 255, {"10.0.0.100/24"})}), ""); }

}  // namespace
}  // namespace lvsd::vrrp

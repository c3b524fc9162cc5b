#include "vrrp/link_table.hpp"

#include <gtest/gtest.h>

namespace lvsd::vrrp {
namespace {

using namespace std::chrono_literals;

base::Prefix prefix(const char* text) { return *base::Prefix::parse(text); }
base::IpAddress address(const char* text) { return *base::IpAddress::parse(text); }

Link usable_link() {
  Link link{.index = 7, .name = "eth0", .up = true, .running = true, .arp = true, .mac = {}, .addresses = {}};
  link.addresses = {{prefix("10.0.0.2/24"), false, {}}, {prefix("10.0.0.100/24"), true, 3s}};
  return link;
}

TEST(LinkTable, KeepsTheAddressesOfALinkThatIsToldAgain) {
  LinkTable table;
  Link link = usable_link();
  table.put({.index = 7, .name = "eth0", .up = false, .running = false, .arp = true, .mac = {}, .addresses = {}});
  table.put_address(7, {prefix("10.0.0.2/24"), false, {}});
  link.addresses.clear();
  EXPECT_TRUE(table.put(link));
  ASSERT_NE(table.find("eth0"), nullptr);
  EXPECT_EQ(table.find("eth0")->addresses.size(), 1u);
}

TEST(LinkTable, TellsOnlyOfRealChanges) {
  LinkTable table;
  Link link = usable_link();
  link.addresses.clear();
  EXPECT_TRUE(table.put(link));
  EXPECT_FALSE(table.put(link));
  EXPECT_TRUE(table.put_address(7, {prefix("10.0.0.100/24"), true, 3s}));
  EXPECT_FALSE(table.put_address(7, {prefix("10.0.0.100/24"), true, 3s}));  // a refreshed lease
  EXPECT_TRUE(table.remove_address(7, prefix("10.0.0.100/24")));
  EXPECT_FALSE(table.remove_address(7, prefix("10.0.0.100/24")));
  EXPECT_TRUE(table.remove(7));
  EXPECT_FALSE(table.remove(7));
}

TEST(LinkTable, FollowsARename) {
  LinkTable table;
  table.put(usable_link());
  Link renamed = usable_link();
  renamed.name = "wan0";
  EXPECT_TRUE(table.put(renamed));
  EXPECT_EQ(table.find("eth0"), nullptr);
  ASSERT_NE(table.find("wan0"), nullptr);
}

TEST(LinkTable, IgnoresAnAddressOfALinkItDoesNotKnow) {
  LinkTable table;
  EXPECT_FALSE(table.put_address(9, {prefix("10.0.0.2/24"), false, {}}));
}

constexpr auto kV4 = base::Family::V4;
constexpr auto kV6 = base::Family::V6;

TEST(PrimaryAddress, IsNeverAVirtualOne) {
  Link link = usable_link();
  std::swap(link.addresses[0], link.addresses[1]);
  EXPECT_EQ(primary_address(link, kV4, std::vector{address("10.0.0.100")}), address("10.0.0.2"));
  EXPECT_EQ(primary_address(link, kV4, std::vector{address("10.0.0.100"), address("10.0.0.2")}), std::nullopt);
}

TEST(PrimaryAddress, IsASecondaryOneOnlyForWantOfBetter) {
  Link link = usable_link();
  std::swap(link.addresses[0], link.addresses[1]);
  EXPECT_EQ(primary_address(link, kV4, {}), address("10.0.0.2"));
  link.addresses.pop_back();
  EXPECT_EQ(primary_address(link, kV4, {}), address("10.0.0.100"));
}

TEST(PrimaryAddress, OfIpv6IsLinkLocalAndNotVirtual) {
  Link link = usable_link();
  EXPECT_EQ(primary_address(link, kV6, {}), std::nullopt);
  link.addresses.push_back({prefix("2001:db8::2/64"), false, {}});
  EXPECT_EQ(primary_address(link, kV6, {}), std::nullopt);
  link.addresses.push_back({prefix("fe80::100/64"), false, 3s});
  link.addresses.push_back({prefix("fe80::2/64"), false, {}});
  EXPECT_EQ(primary_address(link, kV6, std::vector{address("fe80::100")}), address("fe80::2"));
  EXPECT_EQ(primary_address(link, kV4, {}), address("10.0.0.2"));
}

TEST(PrimaryAddress, IsNotOneThatTheKernelStillLooksFor) {
  Link link = usable_link();
  link.addresses.push_back({prefix("fe80::2/64"), false, {}, false});
  EXPECT_EQ(primary_address(link, kV6, {}), std::nullopt);
  EXPECT_FALSE(link.has(address("fe80::2")));
  link.addresses.back().usable = true;
  EXPECT_EQ(primary_address(link, kV6, {}), address("fe80::2"));
  EXPECT_TRUE(link.has(address("fe80::2")));
}

TEST(Problem, NamesWhatKeepsAnInterfaceFromAdvertising) {
  EXPECT_EQ(problem(nullptr, "eth0"), "eth0 does not exist");
  Link link = usable_link();
  EXPECT_EQ(problem(&link, "eth0"), "");
  link.running = false;
  EXPECT_EQ(problem(&link, "eth0"), "eth0 has no carrier");
  link.up = false;
  EXPECT_EQ(problem(&link, "eth0"), "eth0 is down");
}

TEST(PrefixIsShared, WhenAnotherAddressBringsTheSameRoute) {
  const Link link = usable_link();
  EXPECT_TRUE(prefix_is_shared(link, prefix("10.0.0.100/24")));
  EXPECT_TRUE(prefix_is_shared(link, prefix("10.0.0.7/24")));
  EXPECT_FALSE(prefix_is_shared(link, prefix("10.0.0.100/32")));
  EXPECT_FALSE(prefix_is_shared(link, prefix("10.0.0.100/16")));
  EXPECT_FALSE(prefix_is_shared(link, prefix("192.0.2.1/24")));
}

TEST(IsOurLease, NeverTakesAPermanentOrLongLivedAddressForOurs) {
  EXPECT_TRUE(is_our_lease({prefix("10.0.0.100/24"), true, 2s}, 3s));
  EXPECT_TRUE(is_our_lease({prefix("10.0.0.100/24"), true, 3s}, 3s));
  EXPECT_FALSE(is_our_lease({prefix("10.0.0.100/24"), true, {}}, 3s));
  EXPECT_FALSE(is_our_lease({prefix("10.0.0.100/24"), true, 3600s}, 3s));
}

TEST(LeasesAreYounger, OnlyWhenTheKernelsSecondsLeaveNoDoubt) {
  const std::vector wanted{prefix("10.0.0.100/24"), prefix("10.0.0.101/24")};
  Link link = usable_link();
  link.addresses.push_back({prefix("10.0.0.101/24"), true, 2s});
  EXPECT_TRUE(leases_are_younger(link, wanted, 3s, 2s));
  link.addresses.back().lease = 1s;  // refreshed up to 3 s ago
  EXPECT_FALSE(leases_are_younger(link, wanted, 3s, 2s));
  link.addresses.back().lease.reset();  // permanent: not ours
  EXPECT_FALSE(leases_are_younger(link, wanted, 3s, 2s));
  link.addresses.pop_back();  // one is missing
  EXPECT_FALSE(leases_are_younger(link, wanted, 3s, 2s));
  EXPECT_FALSE(leases_are_younger(link, {}, 3s, 2s));
}

}  // namespace
}  // namespace lvsd::vrrp

#include "vrrp/virtual_links.hpp"

#include <gtest/gtest.h>

namespace lvsd::vrrp {
namespace {

Link link(int index, const char* name) {
  Link made;
  made.index = index;
  made.name = name;
  return made;
}

struct VirtualLink : testing::Test {
  VirtualLink() {
    config.interface = "eth0";
    config.virtual_router_id = 51;
    config.virtual_mac = true;
    config.virtual_addresses = {{.prefix = *base::Prefix::parse("10.0.0.100/24")}};
    table.put(link(2, "eth0"));
    made = link(7, "vrrp.51");
    made.below = 2;
    made.alias = kVirtualLinkAlias;
    made.mac = config.virtual_mac_address();
  }

  InstanceConfig config;
  LinkTable table;
  Link made;
};

TEST_F(VirtualLink, IsUsableOnItsInterfaceWithItsAddress) {
  EXPECT_EQ(virtual_link_problem(config, table), "vrrp.51 is missing");
  table.put(made);
  EXPECT_EQ(virtual_link_problem(config, table), "");
}

TEST_F(VirtualLink, IsNotNeededWithoutAVirtualMac) {
  config.virtual_mac = false;
  EXPECT_EQ(virtual_link_problem(config, table), "");
}

TEST_F(VirtualLink, OfSomebodyElseIsNotTaken) {
  made.alias = "";
  table.put(made);
  EXPECT_EQ(virtual_link_problem(config, table), "vrrp.51 exists and was not made by lvsd");
}

TEST_F(VirtualLink, OnAnInterfaceThatIsGoneIsNotUsed) {
  made.below = 3;
  table.put(made);
  EXPECT_EQ(virtual_link_problem(config, table), "vrrp.51 is not the link of virtual router 51 on eth0");
  made.below = 2;
  made.mac.bytes[5] = 52;
  table.put(made);
  EXPECT_EQ(virtual_link_problem(config, table), "vrrp.51 is not the link of virtual router 51 on eth0");
}

}  // namespace
}  // namespace lvsd::vrrp

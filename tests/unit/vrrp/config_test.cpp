#include "vrrp/config.hpp"

#include <gtest/gtest.h>

namespace lvsd::vrrp {
namespace {

InstanceConfig instance(const char* address) {
  InstanceConfig config;
  config.interface = "eth0";
  config.virtual_router_id = 51;
  config.virtual_addresses = {{.prefix = *base::Prefix::parse(address)}};
  return config;
}

TEST(VirtualMac, IsMadeOfTheVirtualRouterIdAndTheFamily) {  // RFC 9568 §7.3
  EXPECT_EQ(instance("10.0.0.100").virtual_mac_address().to_string(), "00:00:5e:00:01:33");
  EXPECT_EQ(instance("fe80::1").virtual_mac_address().to_string(), "00:00:5e:00:02:33");
}

TEST(VirtualMac, MovesTheAddressesToALinkOfTheirOwn) {
  auto config = instance("10.0.0.100");
  VirtualAddress elsewhere{.prefix = *base::Prefix::parse("10.1.0.1")};
  elsewhere.interface = "eth1";
  EXPECT_EQ(config.interface_of(config.virtual_addresses.front()), "eth0");
  config.virtual_mac = true;
  EXPECT_EQ(config.interface_of(config.virtual_addresses.front()), "vrrp.51");
  EXPECT_EQ(config.interface_of(elsewhere), "eth1");
  auto six = instance("fe80::1");
  six.virtual_mac = true;
  EXPECT_EQ(six.interface_of(six.virtual_addresses.front()), "vrrp6.51");
}

TEST(VirtualRoute, IsToldAsItStandsInTheConfiguration) {
  VirtualRoute route{.prefix = *base::Prefix::parse("192.0.2.0/24")};
  EXPECT_EQ(route.to_string(), "192.0.2.0/24");
  route.gateway = *base::IpAddress::parse("10.0.0.1");
  route.interface = "eth0";
  route.source = *base::IpAddress::parse("10.0.0.100");
  route.metric = 5;
  route.table = 100;
  EXPECT_EQ(route.to_string(), "192.0.2.0/24 via=10.0.0.1 dev=eth0 src=10.0.0.100 metric=5 table=100");
}

}  // namespace
}  // namespace lvsd::vrrp

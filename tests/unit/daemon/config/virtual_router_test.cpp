// [vrrp]: MAC address and routes of the virtual router, and the virtual servers that belong to it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fixture.hpp"

namespace lvsd::daemon {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

TEST(VirtualRouter, HasItsOwnMacAddressRoutesAndServices) {
  const auto config =
      config_of(kFront +
                "virtual_mac = yes\ngarp_interval = 300ms\nvirtual_route = default via=10.0.0.1 table=7\n"
                "virtual_route = 192.0.2.0/24 dev=eth1 src=10.0.0.100 metric=5\n"
                "[virtual_server web]\nlisten = tcp 10.0.0.100:80\nvrrp = front\n"
                "real_server = rs1 10.0.0.11\n");
  const auto& front = config.vrrp.instances.at(0);
  EXPECT_TRUE(front.virtual_mac);
  EXPECT_EQ(front.garp_interval, 300ms);
  std::vector<std::string> routes;
  for (const auto& route : front.routes) routes.push_back(route.to_string());
  EXPECT_THAT(routes, ElementsAre("0.0.0.0/0 via=10.0.0.1 table=7", "192.0.2.0/24 dev=eth1 src=10.0.0.100 metric=5"));
  EXPECT_THAT(front.services, ElementsAre("web"));
  EXPECT_EQ(config.instance_of.at("web"), "front");
}

TEST(VirtualRouter, WithdrawsItselfForAServiceOfAnotherAddress) {
  const auto config = config_of(kFront +
                                "[virtual_server web]\nlisten = tcp 10.9.0.100:80\nvrrp = front\nall_down = withdraw\n"
                                "real_server = rs1 10.0.0.11\n");
  ASSERT_EQ(config.vrrp.instances.at(0).tracks.size(), 1u);
  EXPECT_EQ(config.vrrp.instances.at(0).tracks.at(0).target, "web");
}

}  // namespace
}  // namespace lvsd::daemon

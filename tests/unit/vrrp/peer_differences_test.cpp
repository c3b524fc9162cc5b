#include "vrrp/peer_differences.hpp"

#include <chrono>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lvsd::vrrp {
namespace {

using std::chrono::seconds;
using testing::IsEmpty;

InstanceConfig ours() {
  InstanceConfig config;
  config.name = "front";
  config.advert_interval = seconds{1};
  config.virtual_addresses = {{.prefix = {base::IpAddress::v4(0x0a000064), 24}},
                              {.prefix = {base::IpAddress::v4(0x0a000065), 24}}};
  return config;
}

Received theirs() {
  Received received;
  received.source = base::IpAddress::v4(0x0a000003);
  received.advertisement = {51, 100, seconds{1}, {base::IpAddress::v4(0x0a000065), base::IpAddress::v4(0x0a000064)},
                            3,  {}};
  return received;
}

TEST(PeerDifferences, AreNoneWhenOnlyTheOrderOfTheAddressesDiffers) {
  EXPECT_THAT(peer_differences(theirs(), ours(), 150), IsEmpty());
}

TEST(PeerDifferences, NameBothIntervals) {
  auto peer = theirs();
  peer.advertisement.interval = seconds{2};
  EXPECT_EQ(peer_differences(peer, ours(), 150),
            (std::vector<PeerDifference>{{"peer interval", "10.0.0.3 advertises every 2s, we every 1s"}}));
}

TEST(PeerDifferences, TellOfAnEqualPriority) {
  EXPECT_EQ(peer_differences(theirs(), ours(), 100),
            (std::vector<PeerDifference>{{"peer priority", "10.0.0.3 has our priority 100"}}));
}

TEST(PeerDifferences, TellOfOtherAddresses) {
  auto peer = theirs();
  peer.advertisement.addresses.pop_back();
  EXPECT_EQ(peer_differences(peer, ours(), 150),
            (std::vector<PeerDifference>{{"peer addresses", "10.0.0.3 advertises other addresses than we"}}));
}

}  // namespace
}  // namespace lvsd::vrrp

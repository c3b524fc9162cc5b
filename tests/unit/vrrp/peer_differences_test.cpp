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
            (std::vector<PeerDifference>{{AlarmKind::peer_mismatch, "10.0.0.3 advertises every 2s, we every 1s"}}));
}

TEST(PeerDifferences, TellOfAnEqualPriority) {
  EXPECT_EQ(peer_differences(theirs(), ours(), 100),
            (std::vector<PeerDifference>{{AlarmKind::peer_mismatch, "10.0.0.3 has our priority 100"}}));
}

TEST(PeerDifferences, TellOfOtherAddresses) {
  auto peer = theirs();
  peer.advertisement.addresses.pop_back();
  EXPECT_EQ(peer_differences(peer, ours(), 150),
            (std::vector<PeerDifference>{
                {AlarmKind::peer_mismatch, "10.0.0.3 advertises 10.0.0.101, we 10.0.0.100, 10.0.0.101"}}));
}

TEST(PeerDifferences, TellAStrangerFromAPeer) {
  auto stranger = theirs();
  stranger.advertisement.addresses = {base::IpAddress::v4(0x0a000001)};
  stranger.advertisement.interval = seconds{5};
  auto config = ours();
  config.virtual_router_id = 51;
  EXPECT_EQ(peer_differences(stranger, config, 150),
            (std::vector<PeerDifference>{{AlarmKind::foreign_router,
                                          "10.0.0.3 uses virtual router id 51 for 10.0.0.1, not for our addresses"}}));
}

TEST(PeerDifferences, TellOfASecondOwner) {
  auto peer = theirs();
  peer.advertisement.priority = 255;
  EXPECT_EQ(peer_differences(peer, ours(), 255),
            (std::vector<PeerDifference>{{AlarmKind::two_owners, "10.0.0.3 is the owner of the addresses (255) too"}}));
}

}  // namespace
}  // namespace lvsd::vrrp

#include "vrrp/datagram.hpp"

#include <gtest/gtest.h>

#include "tests/unit/vrrp/packets.hpp"

namespace lvsd::vrrp {
namespace {

TEST(ReadIpv4, TakesTheHeaderApart) {
  const auto datagram = read_ipv4(kFromKeepalived);
  ASSERT_TRUE(datagram);
  EXPECT_EQ(datagram->source, base::IpAddress::v4(0x0a090003));
  EXPECT_EQ(datagram->destination, multicast_group(base::Family::V4));
  EXPECT_EQ(datagram->hop_limit, 255);
  EXPECT_EQ(datagram->payload.size(), 16u);
  EXPECT_TRUE(datagram->may_be_padded);
}

TEST(ReadIpv4, SaysNothingOfATruncatedHeader) {
  for (std::size_t length = 0; length < 20; ++length) {
    EXPECT_FALSE(read_ipv4(std::span{kFromKeepalived}.first(length))) << length;
  }
}

TEST(ReadIpv4, KnowsThatALongPacketIsNotPadded) {
  auto packet = kFromKeepalived;
  packet.resize(47);
  packet[3] = 47;
  const auto datagram = read_ipv4(packet);
  ASSERT_TRUE(datagram);
  EXPECT_FALSE(datagram->may_be_padded);
}

TEST(PeekVirtualRouterId, AnswersOnlyWhenTheHeaderIsThere) {
  auto datagram = *read_ipv4(kFromKeepalived);
  EXPECT_EQ(peek_virtual_router_id(datagram), 51);
  datagram.payload = datagram.payload.first(7);
  EXPECT_EQ(peek_virtual_router_id(datagram), std::nullopt);
}

TEST(MulticastGroup, IsTheRegisteredOneOfEachFamily) {
  EXPECT_EQ(multicast_group(base::Family::V4).to_string(), "224.0.0.18");
  EXPECT_EQ(multicast_group(base::Family::V6).to_string(), "ff02::12");
}

}  // namespace
}  // namespace lvsd::vrrp

#include "vrrp/advert_frame.hpp"

#include <gtest/gtest.h>

#include "vrrp/advertisement.hpp"
#include "vrrp/datagram.hpp"

namespace lvsd::vrrp {
namespace {

using namespace std::chrono_literals;

const base::MacAddress kVirtual{{0x00, 0x00, 0x5e, 0x00, 0x01, 0x33}};
const base::IpAddress kSource = base::IpAddress::v4(0x0a000002);
const base::IpAddress kLinkLocal = base::IpAddress::v6({0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2});

TEST(MulticastMac, IsMadeOfTheGroupsLastBits) {
  EXPECT_EQ(multicast_mac(multicast_group(base::Family::V4)).to_string(), "01:00:5e:00:00:12");
  EXPECT_EQ(multicast_mac(multicast_group(base::Family::V6)).to_string(), "33:33:00:00:00:12");
  EXPECT_EQ(multicast_mac(base::IpAddress::v4(0xe0810203)).to_string(), "01:00:5e:01:02:03");  // 23 bits
}

TEST(AdvertFrame, IsReadBackAsTheAdvertisementItHolds) {
  const auto group = multicast_group(base::Family::V4);
  const Advertisement wanted{51, 150, 1s, {base::IpAddress::v4(0x0a000064)}, 3, ""};
  const auto message = encode(wanted, kSource, group, ChecksumForm::PseudoHeader);
  const auto frame = advert_frame(kVirtual, kSource, group, message);
  EXPECT_TRUE(std::equal(kVirtual.bytes.begin(), kVirtual.bytes.end(), frame.begin() + 6));
  const auto datagram = read_ipv4(std::span{frame}.subspan(14));
  ASSERT_TRUE(datagram);
  EXPECT_EQ(datagram->hop_limit, kHopLimit);
  EXPECT_EQ(datagram->source, kSource);
  Expected expected;
  expected.virtual_router_id = 51;
  expected.own_address = base::IpAddress::v4(0x0a000003);
  const auto received = decode(*datagram, expected);
  ASSERT_TRUE(received);
  EXPECT_EQ(received->advertisement.priority, 150);
}

TEST(AdvertFrame, HasAnIpv4HeaderWhoseChecksumIsRight) {
  const std::vector<std::uint8_t> message(12, 0xaa);
  const auto frame = advert_frame(kVirtual, kSource, multicast_group(base::Family::V4), message);
  std::uint32_t sum = 0;
  for (std::size_t i = 14; i < 34; i += 2) sum += std::uint32_t{frame[i]} << 8 | frame[i + 1];
  EXPECT_EQ((sum & 0xffff) + (sum >> 16), 0xffffu);
}

TEST(AdvertFrame, OfIpv6HasTheMessageBehindFortyBytes) {
  const std::vector<std::uint8_t> message(24, 0xaa);
  const auto frame = advert_frame(kVirtual, kLinkLocal, multicast_group(base::Family::V6), message);
  ASSERT_EQ(frame.size(), 14u + 40 + 24);
  EXPECT_EQ(frame[12] << 8 | frame[13], 0x86dd);
  EXPECT_EQ(frame[14] >> 4, 6);
  EXPECT_EQ(frame[18] << 8 | frame[19], 24);
  EXPECT_EQ(frame[20], kIpProtocol);
  EXPECT_EQ(frame[21], kHopLimit);
}

}  // namespace
}  // namespace lvsd::vrrp

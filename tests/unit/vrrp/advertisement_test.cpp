#include "vrrp/advertisement.hpp"

#include <functional>
#include <string>

#include <gmock/gmock.h>

#include "base/checksum.hpp"
#include "tests/unit/vrrp/packets.hpp"

namespace lvsd::vrrp {
namespace {

using namespace std::chrono_literals;
using Packet = std::vector<std::uint8_t>;

const base::IpAddress kSource = base::IpAddress::v4(0x0a090003);
const base::IpAddress kGroup = multicast_group(base::Family::V4);
const Expected kExpected{.virtual_router_id = 51, .own_address = base::IpAddress::v4(0x0a090001)};
const Advertisement kAdvertisement{51, 100, 1s, {base::IpAddress::v4(0x0a090064), base::IpAddress::v4(0x0a090065)},
                                   3,  ""};

constexpr std::size_t kMessage = 20;  // offset behind an IP header without options

// Makes the message's sum right again (message only), so that a test spoils one thing and not two.
void mend_checksum(Packet& packet) {
  packet[kMessage + 6] = packet[kMessage + 7] = 0;
  const auto sum = base::checksum_finish(base::checksum_add(0, std::span{packet}.subspan(kMessage)));
  packet[kMessage + 6] = static_cast<std::uint8_t>(sum >> 8);
  packet[kMessage + 7] = static_cast<std::uint8_t>(sum);
}

void set_total_length(Packet& packet) {
  packet[2] = static_cast<std::uint8_t>(packet.size() >> 8);
  packet[3] = static_cast<std::uint8_t>(packet.size());
}

// As the room does it: first the IP header, then the message.
base::Result<Received, DecodeError> decode(std::span<const std::uint8_t> packet, const Expected& expected) {
  const auto datagram = read_ipv4(packet);
  if (!datagram) return tl::unexpected{DecodeError::IpHeader};
  return vrrp::decode(*datagram, expected);
}

std::vector<std::uint8_t> encode(const Advertisement& advertisement, const base::IpAddress& source, ChecksumForm form) {
  return vrrp::encode(advertisement, source, kGroup, form);
}

TEST(DecodeAdvertisement, ReadsWhatKeepalivedSends) {
  const auto received = decode(kFromKeepalived, kExpected);
  ASSERT_TRUE(received);
  EXPECT_EQ(*received, (Received{kAdvertisement, kSource, ChecksumForm::PseudoHeader, {}}));
}

TEST(DecodeAdvertisement, AcceptsTheChecksumOverTheMessageAloneAndSaysSo) {
  const auto received = decode(kMessageOnly, kExpected);
  ASSERT_TRUE(received);
  EXPECT_EQ(received->form, ChecksumForm::MessageOnly);
  EXPECT_EQ(received->advertisement.priority, 150);
}

TEST(EncodeAdvertisement, WritesTheBytesThatKeepalivedWrites) {
  const Packet golden{kFromKeepalived.begin() + kMessage, kFromKeepalived.end()};
  EXPECT_EQ(encode(kAdvertisement, kSource, ChecksumForm::PseudoHeader), golden);
}

TEST(EncodeAdvertisement, WritesTheChecksumOverTheMessageAloneWhenAsked) {
  Advertisement ours = kAdvertisement;
  ours.priority = 150;
  const Packet golden{kMessageOnly.begin() + kMessage, kMessageOnly.end()};
  EXPECT_EQ(encode(ours, base::IpAddress::v4(0x0a090002), ChecksumForm::MessageOnly), golden);
}

TEST(EncodeAdvertisement, CoversTheWholeRangeOfIntervals) {
  for (const auto interval : {10ms, 100ms, 1000ms, 40950ms}) {
    Advertisement ours = kAdvertisement;
    ours.interval = interval;
    Packet packet{kFromKeepalived.begin(), kFromKeepalived.begin() + kMessage};
    const auto message = encode(ours, kSource, ChecksumForm::PseudoHeader);
    packet.insert(packet.end(), message.begin(), message.end());
    const auto received = decode(packet, kExpected);
    ASSERT_TRUE(received) << interval.count();
    EXPECT_EQ(received->advertisement, ours);
  }
}

struct Spoiled {
  std::string how;
  std::function<void(Packet&)> spoil;
  DecodeError error;
};

class EveryRule : public testing::TestWithParam<Spoiled> {};

TEST_P(EveryRule, DiscardsThePacketForThatReason) {
  Packet packet = kFromKeepalived;
  GetParam().spoil(packet);
  const auto received = decode(packet, kExpected);
  ASSERT_FALSE(received) << GetParam().how;
  EXPECT_EQ(word(received.error()), word(GetParam().error)) << GetParam().how;
}

INSTANTIATE_TEST_SUITE_P(
    Section7_1, EveryRule,
    testing::Values(
        Spoiled{"empty", [](Packet& p) { p.clear(); }, DecodeError::IpHeader},
        Spoiled{"cut in the IP header", [](Packet& p) { p.resize(19); }, DecodeError::IpHeader},
        Spoiled{"IPv6", [](Packet& p) { p[0] = 0x65; }, DecodeError::IpHeader},
        Spoiled{"IP header shorter than 20", [](Packet& p) { p[0] = 0x44; }, DecodeError::IpHeader},
        Spoiled{"IP header longer than the packet", [](Packet& p) { p[0] = 0x4f; }, DecodeError::IpHeader},
        Spoiled{"total length beyond the packet", [](Packet& p) { p[3] = 0x25; }, DecodeError::IpHeader},
        Spoiled{"a fragment", [](Packet& p) { p[6] = 0x20; }, DecodeError::IpHeader},
        Spoiled{"another protocol", [](Packet& p) { p[9] = 111; }, DecodeError::IpHeader},
        Spoiled{"unicast", [](Packet& p) { p[16] = 10; }, DecodeError::Destination},
        Spoiled{"our own", [](Packet& p) { p[15] = 1; }, DecodeError::Own},
        Spoiled{"TTL 254", [](Packet& p) { p[8] = 254; }, DecodeError::Ttl},
        Spoiled{"TTL 0", [](Packet& p) { p[8] = 0; }, DecodeError::Ttl},
        Spoiled{"shorter than the fixed part", [](Packet& p) { p.resize(27), set_total_length(p); },
                DecodeError::Length},
        Spoiled{"one address short", [](Packet& p) { p.resize(32), set_total_length(p), mend_checksum(p); },
                DecodeError::Length},
        Spoiled{"longer than padding explains", [](Packet& p) { p.resize(47), set_total_length(p), mend_checksum(p); },
                DecodeError::Length},
        Spoiled{"version 2", [](Packet& p) { p[kMessage] = 0x21, mend_checksum(p); }, DecodeError::Version},
        Spoiled{"version 4", [](Packet& p) { p[kMessage] = 0x41, mend_checksum(p); }, DecodeError::Version},
        Spoiled{"type 2", [](Packet& p) { p[kMessage] = 0x32, mend_checksum(p); }, DecodeError::Type},
        Spoiled{"another virtual router", [](Packet& p) { p[kMessage + 1] = 52, mend_checksum(p); },
                DecodeError::VirtualRouterId},
        Spoiled{"no address",
                [](Packet& p) { p[kMessage + 3] = 0, p.resize(28), set_total_length(p), mend_checksum(p); },
                DecodeError::Count},
        Spoiled{"a flipped bit", [](Packet& p) { p[kMessage + 2] ^= 1; }, DecodeError::Checksum},
        Spoiled{"checksum 0", [](Packet& p) { p[kMessage + 6] = p[kMessage + 7] = 0; }, DecodeError::Checksum},
        Spoiled{"interval 0", [](Packet& p) { p[kMessage + 4] = p[kMessage + 5] = 0, mend_checksum(p); },
                DecodeError::Interval},
        Spoiled{"interval 0 with reserved bits",
                [](Packet& p) { p[kMessage + 4] = 0xf0, p[kMessage + 5] = 0, mend_checksum(p); },
                DecodeError::Interval}));

TEST(DecodeAdvertisement, IgnoresReservedBits) {
  Packet packet = kFromKeepalived;
  packet[kMessage + 4] |= 0xf0;
  mend_checksum(packet);
  const auto received = decode(packet, kExpected);
  ASSERT_TRUE(received);
  EXPECT_EQ(received->advertisement.interval, 1s);
}

TEST(DecodeAdvertisement, SkipsIpOptions) {
  Packet packet = kFromKeepalived;
  packet[0] = 0x46;
  packet.insert(packet.begin() + kMessage, {1, 1, 1, 0});  // three no-operations and the end
  set_total_length(packet);
  const auto received = decode(packet, kExpected);
  ASSERT_TRUE(received);
  EXPECT_EQ(received->advertisement, kAdvertisement);
}

TEST(DecodeAdvertisement, AcceptsEthernetPaddingInsideAndOutsideTheIpPacket) {
  Packet outside = kFromKeepalived;
  outside.resize(46);
  EXPECT_TRUE(decode(outside, kExpected));

  Packet inside = kFromKeepalived;
  inside.resize(46);
  set_total_length(inside);
  EXPECT_TRUE(decode(inside, kExpected));
}

TEST(DecodeAdvertisement, ReadsEveryPriorityIncludingTheResignation) {
  for (const int priority : {0, 1, 254, 255}) {
    Packet packet = kFromKeepalived;
    packet[kMessage + 2] = static_cast<std::uint8_t>(priority);
    mend_checksum(packet);
    const auto received = decode(packet, kExpected);
    ASSERT_TRUE(received) << priority;
    EXPECT_EQ(received->advertisement.priority, priority);
  }
}

TEST(DecodeAdvertisement, ReadsAsManyAddressesAsTheCountCanSay) {
  Advertisement many{51, 100, 1s, {}, 3, {}};
  for (std::uint32_t i = 0; i < kMaxAddresses; ++i) many.addresses.push_back(base::IpAddress::v4(0x0a0a0000 + i));
  Packet packet{kFromKeepalived.begin(), kFromKeepalived.begin() + kMessage};
  const auto message = encode(many, kSource, ChecksumForm::PseudoHeader);
  packet.insert(packet.end(), message.begin(), message.end());
  set_total_length(packet);
  const auto received = decode(packet, kExpected);
  ASSERT_TRUE(received);
  EXPECT_EQ(received->advertisement, many);
}

TEST(DecodeAdvertisement, NeverReadsBeyondATruncatedPacket) {
  for (std::size_t length = 0; length < kFromKeepalived.size(); ++length) {
    const Packet packet{kFromKeepalived.begin(), kFromKeepalived.begin() + static_cast<std::ptrdiff_t>(length)};
    EXPECT_FALSE(decode(packet, kExpected)) << length;
  }
}

TEST(DecodeErrorWords, AreDistinct) {
  std::vector<std::string_view> words;
  for (std::size_t i = 0; i < kDecodeErrors; ++i) words.push_back(word(static_cast<DecodeError>(i)));
  std::ranges::sort(words);
  EXPECT_EQ(std::ranges::adjacent_find(words), words.end());
  EXPECT_THAT(words, testing::Not(testing::Contains("")));
}

}  // namespace
}  // namespace lvsd::vrrp

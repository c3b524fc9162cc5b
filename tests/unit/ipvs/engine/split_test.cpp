#include "ipvs/engine/split.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "ipvs/engine/frame.hpp"
#include "tests/support/frames.hpp"

namespace lvsd::ipvs::engine {
namespace {

using test::Bytes;

Bytes packet_of(std::size_t payload, std::uint16_t fragment = 0, Bytes options = {}) {
  Bytes data(payload);
  for (std::size_t i = 0; i < payload; ++i) data[i] = static_cast<std::uint8_t>(i * 7);
  const auto frame =
      test::make_frame({.protocol = 17, .payload = data, .fragment = fragment, .options = std::move(options)});
  return Bytes(frame.begin() + 14, frame.end());
}

std::vector<Bytes> split(const Bytes& packet, std::uint32_t mtu) {
  std::vector<Bytes> fragments;
  Split pieces{packet, mtu};
  while (const auto length = pieces.next_length()) {
    fragments.emplace_back(length);
    pieces.write_next(fragments.back().data());
  }
  return fragments;
}

std::size_t header_of(const Bytes& packet) { return (packet[0] & 15u) * 4u; }
std::uint16_t flags_of(const Bytes& packet) { return load16_host(&packet[6]); }

// What a host makes of them, in the order of their offsets; every header is looked at.
Bytes joined(const std::vector<Bytes>& fragments, std::uint32_t mtu, std::uint16_t identification, std::size_t first) {
  Bytes payload;
  for (const auto& fragment : fragments) {
    EXPECT_LE(fragment.size(), mtu);
    EXPECT_EQ(load16_host(&fragment[2]), fragment.size());
    EXPECT_EQ(load16_host(&fragment[4]), identification);
    EXPECT_EQ((flags_of(fragment) & 0x1fff) * 8u, first + payload.size());
    const auto header = std::span{fragment}.first(header_of(fragment));
    EXPECT_EQ(base::checksum_fold(base::checksum_add(0, header)), 0xffff);
    payload.insert(payload.end(), fragment.begin() + static_cast<std::ptrdiff_t>(header.size()), fragment.end());
  }
  return payload;
}

Bytes payload_of(const Bytes& packet) {
  return Bytes(packet.begin() + static_cast<std::ptrdiff_t>(header_of(packet)), packet.end());
}

TEST(Split, TheFragmentsAreThePacket) {
  const auto packet = packet_of(1472);
  const auto fragments = split(packet, 1400);
  ASSERT_EQ(fragments.size(), 2u);
  EXPECT_EQ(joined(fragments, 1400, 0x1234, 0), payload_of(packet));
  EXPECT_EQ(flags_of(fragments[0]) & 0xe000, 0x2000);
  EXPECT_EQ(flags_of(fragments[1]) & 0xe000, 0);
}

TEST(Split, TheLastFragmentIsFilled) {
  EXPECT_EQ(split(packet_of(1448 + 1470), 1476).size(), 2u + 1);
  EXPECT_EQ(split(packet_of(1456 + 1458 - 8), 1478).size(), 2u);
}

TEST(Split, AFragmentIsSplitWhereItStood) {
  const auto middle = packet_of(992, 0x2000 | 185);
  const auto fragments = split(middle, 600);
  ASSERT_EQ(fragments.size(), 2u);
  EXPECT_EQ(joined(fragments, 600, 0x1234, 185 * 8), payload_of(middle));
  EXPECT_EQ(flags_of(fragments[1]) & 0xe000, 0x2000);
}

TEST(Split, OnlyCopiedOptionsAreInLaterFragments) {
  const Bytes options{7, 3, 4, 148, 4, 0, 0, 0};  // record route; router alert, which is copied; end
  const auto packet = packet_of(600, 0, options);
  const auto fragments = split(packet, 300);
  ASSERT_EQ(fragments.size(), 3u);
  EXPECT_EQ(header_of(fragments[0]), 28u);
  EXPECT_EQ(header_of(fragments[1]), 24u);
  EXPECT_EQ(Bytes(fragments[1].begin() + 20, fragments[1].begin() + 24), (Bytes{148, 4, 0, 0}));
  EXPECT_EQ(joined(fragments, 300, 0x1234, 0), payload_of(packet));
}

TEST(Split, HoldsForAnySizeAndMtu) {
  const bool holds = rc::check([] {
    const auto mtu = *rc::gen::inRange<std::uint32_t>(68, 1500);
    const auto packet = packet_of(*rc::gen::inRange<std::size_t>(mtu, 4000));
    RC_ASSERT(joined(split(packet, mtu), mtu, 0x1234, 0) == payload_of(packet));
  });
  EXPECT_TRUE(holds);
}

}  // namespace
}  // namespace lvsd::ipvs::engine

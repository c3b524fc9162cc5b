#include "base/checksum.hpp"

#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace lvsd::base {
namespace {

TEST(Checksum, MatchesTheExampleOfRfc1071) {
  const std::vector<std::uint8_t> bytes{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
  EXPECT_EQ(checksum_fold(checksum_add(0, bytes)), 0xddf2);
}

TEST(Checksum, PadsAnOddLastByte) {
  const std::vector<std::uint8_t> odd{0x12, 0x34, 0x56};
  const std::vector<std::uint8_t> even{0x12, 0x34, 0x56, 0x00};
  EXPECT_EQ(checksum_finish(checksum_add(0, odd)), checksum_finish(checksum_add(0, even)));
}

TEST(Checksum, UpdateEqualsRecomputation) {
  std::mt19937 random{1};
  for (int round = 0; round < 10000; ++round) {
    std::vector<std::uint8_t> bytes(20);
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
    const std::uint16_t before = checksum_finish(checksum_add(0, bytes));
    const auto old_word = static_cast<std::uint16_t>((bytes[4] << 8) | bytes[5]);
    const auto new_word = static_cast<std::uint16_t>(random());
    bytes[4] = static_cast<std::uint8_t>(new_word >> 8);
    bytes[5] = static_cast<std::uint8_t>(new_word);
    EXPECT_EQ(checksum_update(before, old_word, new_word), checksum_finish(checksum_add(0, bytes)));
  }
}

TEST(Checksum, PseudoHeaderIsThatOfRfc793) {
  const auto source = IpAddress::v4(0x0a000001);
  const auto destination = IpAddress::v4(0x0a000002);
  EXPECT_EQ(pseudo_header_sum(source, destination, 6, 20), 0x0a00u + 0x0001u + 0x0a00u + 0x0002u + 6u + 20u);
}

}  // namespace
}  // namespace lvsd::base

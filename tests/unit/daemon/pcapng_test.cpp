#include "daemon/pcapng.hpp"

#include <cstring>
#include <vector>

#include <gtest/gtest.h>

namespace lvsd::daemon {
namespace {

std::uint32_t word(const std::string& text, std::size_t at) {
  std::uint32_t value = 0;
  std::memcpy(&value, text.data() + at, 4);
  return value;
}

// Types of the blocks in order; empty where their lengths do not chain.
std::vector<std::uint32_t> block_types(const std::string& text) {
  std::vector<std::uint32_t> types;
  std::size_t at = 0;
  while (at + 12 <= text.size()) {
    const auto length = word(text, at + 4);
    if (length % 4 != 0 || at + length > text.size() || word(text, at + length - 4) != length) return {};
    types.push_back(word(text, at));
    at += length;
  }
  return at == text.size() ? types : std::vector<std::uint32_t>{};
}

CommentedPacket packet(std::span<const std::uint8_t> bytes, std::string_view interface, std::string_view comment) {
  return {1'700'000'000'123'456'789, interface, false, static_cast<std::uint32_t>(bytes.size()), bytes, comment};
}

TEST(Pcapng, InterfacesAreDescribedOnceBeforeTheirFirstPacket) {
  const std::vector<std::uint8_t> bytes(61, 1);
  Pcapng file;
  auto text = Pcapng::header("test");
  for (const auto* name : {"eth0", "eth1", "eth0"}) text += file.packet(packet(bytes, name, "dropped: no_server"));
  EXPECT_EQ(block_types(text), (std::vector<std::uint32_t>{0x0a0d0d0a, 1, 6, 1, 6, 6}));
}

TEST(Pcapng, APacketHasItsTimeItsBytesAndItsComment) {
  const std::vector<std::uint8_t> bytes{1, 2, 3, 4, 5};
  Pcapng file;
  static_cast<void>(file.packet(packet(bytes, "eth0", "")));
  const auto text = file.packet(packet(bytes, "eth0", "seen"));
  const auto time = std::uint64_t{word(text, 12)} << 32 | word(text, 16);
  EXPECT_EQ(time, 1'700'000'000'123'456'789u);
  EXPECT_EQ(word(text, 20), 5u);
  EXPECT_EQ(text.substr(28, 8), std::string("\1\2\3\4\5\0\0\0", 8)) << "padded to four bytes";
  EXPECT_EQ(text.substr(36, 8), std::string("\1\0\4\0seen", 8)) << "option 1, four bytes";
}

TEST(Pcapng, CommentsAreBounded) {
  const std::vector<std::uint8_t> bytes(4);
  Pcapng file;
  EXPECT_EQ(block_types(file.packet(packet(bytes, "eth0", std::string(100'000, 'x')))).size(), 2u);
}

}  // namespace
}  // namespace lvsd::daemon

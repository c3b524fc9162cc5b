#include "daemon/pcapng.hpp"

#include <algorithm>
#include <array>
#include <bit>

namespace lvsd::daemon {
namespace {

constexpr std::uint32_t kSectionHeader = 0x0a0d0d0a;
constexpr std::uint32_t kInterfaceDescription = 1;
constexpr std::uint32_t kEnhancedPacket = 6;
constexpr std::uint32_t kByteOrder = 0x1a2b3c4d;
constexpr std::uint16_t kEthernet = 1;  // LINKTYPE_ETHERNET
constexpr std::size_t kLongestOption = 0xffff;

// Numbers as this machine stores them; the byte order mark says which way that is.
class Block {
 public:
  explicit Block(std::uint32_t type) {
    number(type);
    number(std::uint32_t{0});  // its length, when it is known
  }

  template <class T>
  void number(T value) {
    const auto bytes = std::bit_cast<std::array<char, sizeof(T)>>(value);
    text_.append(bytes.data(), bytes.size());
  }
  void padded(std::string_view bytes) {
    text_ += bytes;
    text_.append((4 - text_.size() % 4) % 4, '\0');
  }
  void option(std::uint16_t code, std::string_view value) {
    value = value.substr(0, kLongestOption);
    number(code);
    number(static_cast<std::uint16_t>(value.size()));
    padded(value);
  }
  std::string finish() {
    const auto length = static_cast<std::uint32_t>(text_.size() + 4);
    const auto bytes = std::bit_cast<std::array<char, 4>>(length);
    std::copy(bytes.begin(), bytes.end(), text_.begin() + 4);
    number(length);
    return std::move(text_);
  }

 private:
  std::string text_;
};

std::string interface_block(std::string_view name) {
  constexpr std::uint16_t kName = 2, kTimeResolution = 9;
  Block block{kInterfaceDescription};
  block.number(kEthernet);
  block.number(std::uint16_t{0});
  block.number(std::uint32_t{0});  // no limit of its own
  block.option(kName, name);
  block.option(kTimeResolution, "\x09");  // nanoseconds
  block.option(0, "");
  return block.finish();
}

}  // namespace

std::string Pcapng::header(std::string_view application) {
  constexpr std::uint16_t kApplication = 4;
  Block block{kSectionHeader};
  block.number(kByteOrder);
  block.number(std::uint16_t{1});  // version 1.0
  block.number(std::uint16_t{0});
  block.number(std::int64_t{-1});  // length of the section: not known
  block.option(kApplication, application);
  block.option(0, "");
  return block.finish();
}

std::string Pcapng::packet(const CommentedPacket& packet) {
  constexpr std::uint16_t kComment = 1, kFlags = 2;
  constexpr std::uint32_t kInbound = 1, kOutbound = 2;
  std::string out;
  auto at = interfaces_.find(packet.interface);
  if (at == interfaces_.end()) {
    at = interfaces_.emplace(packet.interface, static_cast<std::uint32_t>(interfaces_.size())).first;
    out = interface_block(packet.interface);
  }
  Block block{kEnhancedPacket};
  block.number(at->second);
  const auto time = static_cast<std::uint64_t>(packet.unix_ns);
  block.number(static_cast<std::uint32_t>(time >> 32));
  block.number(static_cast<std::uint32_t>(time));
  block.number(static_cast<std::uint32_t>(packet.bytes.size()));
  block.number(packet.length);
  block.padded({reinterpret_cast<const char*>(packet.bytes.data()), packet.bytes.size()});
  if (!packet.comment.empty()) block.option(kComment, packet.comment);
  const auto flags = std::bit_cast<std::array<char, 4>>(packet.leaves ? kOutbound : kInbound);
  block.option(kFlags, {flags.data(), flags.size()});
  block.option(0, "");
  return out + block.finish();
}

}  // namespace lvsd::daemon

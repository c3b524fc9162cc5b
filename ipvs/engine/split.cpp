#include "ipvs/engine/split.hpp"

#include <algorithm>
#include <cstring>

#include "ipvs/engine/frame.hpp"
#include "ipvs/engine/rewrite.hpp"

namespace lvsd::ipvs::engine {
namespace {

constexpr std::uint32_t kHeader = 20;
constexpr std::uint16_t kMoreFragments = 0x2000;
constexpr std::uint16_t kFlags = 0xe000;
constexpr std::uint16_t kOffset = 0x1fff;
constexpr std::uint8_t kCopied = 0x80;  // of an option's type

// Calls `found` for each option of a header that the parser has found well-formed.
template <class Found>
void for_each_option(std::span<const std::uint8_t> options, Found found) {
  while (!options.empty() && options[0] != 0) {
    const std::size_t length = options[0] == 1 ? 1 : options.size() < 2 ? 0 : options[1];
    if (length == 0 || length > options.size()) return;
    found(options.first(length));
    options = options.subspan(length);
  }
}

std::uint32_t later_header(std::span<const std::uint8_t> options) {
  std::uint32_t length = 0;
  for_each_option(options, [&](auto option) {
    if ((option[0] & kCopied) != 0) length += static_cast<std::uint32_t>(option.size());
  });
  return kHeader + ((length + 3) & ~3u);
}

void copy_later_options(std::uint8_t* to, std::span<const std::uint8_t> options, std::uint32_t room) {
  std::memset(to, 0, room);
  for_each_option(options, [&](auto option) {
    if ((option[0] & kCopied) == 0) return;
    std::memcpy(to, option.data(), option.size());
    to += option.size();
  });
}

}  // namespace

Split::Split(std::span<const std::uint8_t> packet, std::uint32_t mtu) noexcept
    : packet_{packet}, mtu_{mtu}, first_header_{(packet[0] & 0x0fu) * 4u} {
  later_header_ = later_header(packet_.subspan(kHeader, first_header_ - kHeader));
}

std::uint32_t Split::header() const noexcept { return done_ == 0 ? first_header_ : later_header_; }

std::uint32_t Split::next_length() const noexcept {
  const auto left = static_cast<std::uint32_t>(packet_.size()) - first_header_ - done_;
  if (left == 0) return 0;
  const auto room = mtu_ - header();
  return header() + (left <= room ? left : room & ~7u);
}

void Split::write_next(std::uint8_t* to) noexcept {
  const auto length = next_length();
  const auto ip_header = header();
  const auto payload = length - ip_header;
  std::memcpy(to, packet_.data(), kHeader);
  const auto options = packet_.subspan(kHeader, first_header_ - kHeader);
  if (done_ == 0)
    std::copy(options.begin(), options.end(), to + kHeader);
  else
    copy_later_options(to + kHeader, options, later_header_ - kHeader);
  std::memcpy(to + ip_header, packet_.data() + first_header_ + done_, payload);

  const auto original = load16_host(packet_.data() + 6);
  const bool last = first_header_ + done_ + payload == packet_.size();
  auto flags = static_cast<std::uint16_t>(original & kFlags);
  if (!last) flags |= kMoreFragments;
  to[0] = static_cast<std::uint8_t>(0x40 | (ip_header / 4));
  store16_host(to + 2, static_cast<std::uint16_t>(length));
  store16_host(to + 6, static_cast<std::uint16_t>(flags | (((original & kOffset) + done_ / 8) & kOffset)));
  store16(to + 10, 0);
  store16(to + 10, static_cast<std::uint16_t>(~fold(add_words(0, {to, ip_header}))));
  done_ += payload;
}

}  // namespace lvsd::ipvs::engine

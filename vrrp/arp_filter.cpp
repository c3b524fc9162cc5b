#include "vrrp/arp_filter.hpp"

#include <algorithm>
#include <array>

#include <linux/filter.h>

namespace lvsd::vrrp {
namespace {

// RFC 826 in an Ethernet frame.
constexpr std::size_t kEtherType = 12;
constexpr std::size_t kHardwareType = 14;
constexpr std::size_t kProtocolType = 16;
constexpr std::size_t kLengths = 18;
constexpr std::size_t kSenderMac = 22;
constexpr std::size_t kSenderAddress = 28;
constexpr std::size_t kFrame = 42;
constexpr std::uint16_t kArp = 0x0806;
constexpr std::uint16_t kEthernet = 1;
constexpr std::uint16_t kIpv4 = 0x0800;
constexpr std::uint16_t kSixAndFour = 0x0604;

// RFC 4861 §4.4 in an Ethernet frame.
constexpr std::size_t kNextHeader = 20;
constexpr std::size_t kMessageType = 54;
constexpr std::size_t kTarget = 62;
constexpr std::size_t kOption = 78;
constexpr std::size_t kOptionEnd = 86;
constexpr std::size_t kSource = 6;
constexpr std::uint16_t kIpv6 = 0x86dd;
constexpr std::uint8_t kIcmpv6 = 58;
constexpr std::uint8_t kNeighbourAdvertisement = 136;
constexpr std::uint8_t kTargetLinkLayerAddress = 2;

std::uint16_t u16(std::span<const std::uint8_t> bytes, std::size_t at) {
  return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

sock_filter instruction(unsigned code, std::uint32_t k, std::uint8_t when_true = 0, std::uint8_t when_false = 0) {
  return {static_cast<std::uint16_t>(code), when_true, when_false, k};
}

}  // namespace

std::optional<ArpClaim> arp_claim(std::span<const std::uint8_t> frame) {
  if (frame.size() < kFrame || u16(frame, kEtherType) != kArp || u16(frame, kHardwareType) != kEthernet ||
      u16(frame, kProtocolType) != kIpv4 || u16(frame, kLengths) != kSixAndFour) {
    return std::nullopt;
  }
  ArpClaim claim;
  claim.address = base::IpAddress::v4(std::uint32_t{u16(frame, kSenderAddress)} << 16 | u16(frame, kSenderAddress + 2));
  std::ranges::copy(frame.subspan(kSenderMac, claim.mac.bytes.size()), claim.mac.bytes.begin());
  if (claim.address.is_unspecified()) return std::nullopt;
  return claim;
}

std::optional<ArpClaim> neighbour_claim(std::span<const std::uint8_t> frame) {
  if (frame.size() < kOption || u16(frame, kEtherType) != kIpv6 || frame[kNextHeader] != kIcmpv6 ||
      frame[kMessageType] != kNeighbourAdvertisement) {
    return std::nullopt;
  }
  ArpClaim claim;
  std::array<std::uint8_t, 16> target{};
  std::ranges::copy(frame.subspan(kTarget, target.size()), target.begin());
  claim.address = base::IpAddress::v6(target);
  const bool told = frame.size() >= kOptionEnd && frame[kOption] == kTargetLinkLayerAddress && frame[kOption + 1] == 1;
  std::ranges::copy(frame.subspan(told ? kOption + 2 : kSource, claim.mac.bytes.size()), claim.mac.bytes.begin());
  return claim;
}

std::vector<sock_filter> neighbour_filter(std::span<const base::IpAddress> addresses) {
  constexpr std::uint32_t kWhole = 0xffff;
  std::vector<sock_filter> program;
  const auto require = [&](unsigned size, std::size_t at, std::uint32_t value) {
    program.push_back(instruction(BPF_LD | size | BPF_ABS, static_cast<std::uint32_t>(at)));
    program.push_back(instruction(BPF_JMP | BPF_JEQ | BPF_K, value, 1, 0));
    program.push_back(instruction(BPF_RET | BPF_K, 0));
  };
  require(BPF_H, kEtherType, kIpv6);
  require(BPF_B, kNextHeader, kIcmpv6);
  require(BPF_B, kMessageType, kNeighbourAdvertisement);
  for (const auto& address : addresses.first(std::min(addresses.size(), kMostWatchedAddresses6))) {
    for (std::uint32_t word = 0; word < 4; ++word) {
      const auto* b = address.data() + 4 * word;
      const auto value = std::uint32_t{b[0]} << 24 | std::uint32_t{b[1]} << 16 | std::uint32_t{b[2]} << 8 | b[3];
      program.push_back(instruction(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(kTarget) + 4 * word));
      program.push_back(instruction(BPF_JMP | BPF_JEQ | BPF_K, value, 0, static_cast<std::uint8_t>(7 - 2 * word)));
    }
    program.push_back(instruction(BPF_RET | BPF_K, kWhole));
  }
  program.push_back(instruction(BPF_RET | BPF_K, 0));
  return program;
}

std::vector<sock_filter> arp_filter(std::span<const base::IpAddress> addresses) {
  constexpr std::uint32_t kWhole = 0xffff;
  std::vector<sock_filter> program;
  program.push_back(instruction(BPF_LD | BPF_H | BPF_ABS, kEtherType));
  program.push_back(instruction(BPF_JMP | BPF_JEQ | BPF_K, kArp, 1, 0));
  program.push_back(instruction(BPF_RET | BPF_K, 0));
  program.push_back(instruction(BPF_LD | BPF_W | BPF_ABS, kSenderAddress));
  for (const auto& address : addresses.first(std::min(addresses.size(), kMostWatchedAddresses))) {
    program.push_back(instruction(BPF_JMP | BPF_JEQ | BPF_K, address.v4_host_order(), 0, 1));
    program.push_back(instruction(BPF_RET | BPF_K, kWhole));
  }
  program.push_back(instruction(BPF_RET | BPF_K, 0));
  return program;
}

}  // namespace lvsd::vrrp

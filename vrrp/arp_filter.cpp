#include "vrrp/arp_filter.hpp"

#include <algorithm>

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

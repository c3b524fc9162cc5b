// Between the values of messages (host order) and what stands in packets (network order).
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/address.hpp"

namespace lvsd::ipvs::engine {

constexpr std::uint16_t swap_port(std::uint16_t port) {  // either way
  if constexpr (std::endian::native == std::endian::little)
    return static_cast<std::uint16_t>((port << 8) | (port >> 8));
  return port;
}
constexpr std::uint32_t swap_address(std::uint32_t address) {  // either way
  if constexpr (std::endian::native == std::endian::little) return __builtin_bswap32(address);
  return address;
}

// An address of either family as it stands in a packet: 16 bytes, IPv4 in its IPv4-mapped form (RFC 4291 §2.5.5.2; no
// packet carries that form itself). Compared and hashed as two words.
struct WireAddress {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  static WireAddress v4(std::uint32_t network_order) noexcept {
    WireAddress a;
    a.low = kMapped | (std::uint64_t{network_order} << kShift);
    return a;
  }
  static WireAddress load_v6(const std::uint8_t* at) noexcept {
    WireAddress a;
    std::memcpy(&a, at, sizeof a);
    return a;
  }
  bool is_v4() const noexcept { return high == 0 && (low & kMask) == kMapped; }
  std::uint32_t v4() const noexcept { return static_cast<std::uint32_t>(low >> kShift); }
  void store_v6(std::uint8_t* at) const noexcept { std::memcpy(at, this, sizeof *this); }
  friend constexpr bool operator==(const WireAddress&, const WireAddress&) = default;

 private:
  static constexpr bool kLittle = std::endian::native == std::endian::little;
  static constexpr unsigned kShift = kLittle ? 32 : 0;
  static constexpr std::uint64_t kMapped = kLittle ? 0x00000000ffff0000 : 0x0000ffff00000000;
  static constexpr std::uint64_t kMask = kLittle ? 0x00000000ffffffff : 0xffffffff00000000;
};
static_assert(sizeof(WireAddress) == 16);

inline WireAddress to_packet(const base::IpAddress& address) noexcept {
  return address.is_v4() ? WireAddress::v4(swap_address(address.v4_host_order()))
                         : WireAddress::load_v6(address.data());
}
inline base::IpAddress to_address(const WireAddress& from_packet) noexcept {
  if (from_packet.is_v4()) return base::IpAddress::v4(swap_address(from_packet.v4()));
  std::array<std::uint8_t, 16> bytes{};
  from_packet.store_v6(bytes.data());
  return base::IpAddress::v6(bytes);
}
inline base::Endpoint to_endpoint(const WireAddress& address, std::uint16_t port) noexcept {
  return {to_address(address), swap_port(port)};
}

}  // namespace lvsd::ipvs::engine

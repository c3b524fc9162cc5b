// Between the values of messages (host order) and what stands in packets (network order).
#pragma once

#include <bit>
#include <cstdint>

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
constexpr std::uint32_t to_packet(const base::IpAddress& v4) { return swap_address(v4.v4_host_order()); }
constexpr base::IpAddress to_address(std::uint32_t from_packet) {
  return base::IpAddress::v4(swap_address(from_packet));
}
constexpr base::Endpoint to_endpoint(std::uint32_t address, std::uint16_t port) {
  return {to_address(address), swap_port(port)};
}

}  // namespace lvsd::ipvs::engine

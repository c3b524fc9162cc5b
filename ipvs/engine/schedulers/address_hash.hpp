// How IPVS makes a bucket of an address: used by dh, sh, mh, and by the cache of lblc and lblcr.
#pragma once

#include <cstdint>

#include "base/address.hpp"

namespace lvsd::ipvs::engine {

// In host order; an IPv6 address is folded by exclusive or.
constexpr std::uint32_t folded(const base::IpAddress& address) {
  std::uint32_t sum = 0;
  const auto& bytes = address.bytes();
  for (std::size_t i = 0; i < address.size(); i += 4) {
    sum ^= (std::uint32_t{bytes[i]} << 24) | (std::uint32_t{bytes[i + 1]} << 16) | (std::uint32_t{bytes[i + 2]} << 8) |
           bytes[i + 3];
  }
  return sum;
}

// Multiplicative hashing by the golden ratio (kernel include/linux/hash.h, hash_32).
constexpr std::uint32_t golden_hash(std::uint32_t value, unsigned bits) { return (value * 0x61C88647u) >> (32 - bits); }

}  // namespace lvsd::ipvs::engine

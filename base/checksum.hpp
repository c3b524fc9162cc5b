// The Internet checksum (RFC 1071), its pseudo-headers (RFC 793, RFC 8200 §8.1) and its incremental update (RFC 1624).
// Used by the VRRP codec and the engine. All 16-bit values are as they stand in the packet, read big-endian.
#pragma once

#include <cstdint>
#include <span>

#include "base/address.hpp"

namespace lvsd::base {

// Unfolded one's complement sum; chain calls over even-sized pieces. An odd last byte is padded with zero.
std::uint64_t checksum_add(std::uint64_t sum, std::span<const std::uint8_t> bytes);

constexpr std::uint16_t checksum_fold(std::uint64_t sum) {
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(sum);
}

// The field's value: complement of the folded sum.
constexpr std::uint16_t checksum_finish(std::uint64_t sum) { return static_cast<std::uint16_t>(~checksum_fold(sum)); }

std::uint64_t pseudo_header_sum(const IpAddress& source, const IpAddress& destination, std::uint8_t protocol,
                                std::uint32_t length);

// RFC 1624 eqn. 3: HC' = ~(~HC + ~m + m').
constexpr std::uint16_t checksum_update(std::uint16_t check, std::uint16_t old_word, std::uint16_t new_word) {
  const std::uint64_t sum =
      std::uint64_t{static_cast<std::uint16_t>(~check)} + static_cast<std::uint16_t>(~old_word) + new_word;
  return static_cast<std::uint16_t>(~checksum_fold(sum));
}

}  // namespace lvsd::base

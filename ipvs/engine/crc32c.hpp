// CRC-32C (Castagnoli), the checksum of SCTP: RFC 9260 appendix A. Used by the rewriting of packets.
#pragma once

#include <cstdint>
#include <span>

namespace lvsd::ipvs::engine {

// Host order; SCTP carries it with the lowest byte first.
std::uint32_t crc32c(std::span<const std::uint8_t> bytes) noexcept;

}  // namespace lvsd::ipvs::engine

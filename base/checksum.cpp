#include "base/checksum.hpp"

namespace lvsd::base {

std::uint64_t checksum_add(std::uint64_t sum, std::span<const std::uint8_t> bytes) {
  std::size_t i = 0;
  for (; i + 1 < bytes.size(); i += 2) sum += static_cast<std::uint64_t>((bytes[i] << 8) | bytes[i + 1]);
  if (i < bytes.size()) sum += static_cast<std::uint64_t>(bytes[i] << 8);
  return sum;
}

std::uint64_t pseudo_header_sum(const IpAddress& source, const IpAddress& destination, std::uint8_t protocol,
                                std::uint32_t length) {
  std::uint64_t sum = checksum_add(0, {source.data(), source.size()});
  sum = checksum_add(sum, {destination.data(), destination.size()});
  return sum + protocol + (length >> 16) + (length & 0xffff);
}

}  // namespace lvsd::base

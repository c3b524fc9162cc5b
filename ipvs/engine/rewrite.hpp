// Changes to a packet in place: addresses, ports, TTL, Ethernet header, and the checksums that go with them. Used by
// the forwarder. Sums are over 16-bit words as they lie in memory, so that no byte order is ever converted (RFC 1071 §2
// B).
#pragma once

#include <cstdint>
#include <cstring>
#include <span>

#include "base/address.hpp"
#include "ipvs/engine/frame.hpp"

namespace lvsd::ipvs::engine {

// Unfolded one's complement sum; at most 64 KiB. An odd last byte is padded with zero.
std::uint64_t add_words(std::uint64_t sum, std::span<const std::uint8_t> bytes) noexcept;

constexpr std::uint16_t fold(std::uint64_t sum) {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(sum);
}

// What a change of words adds to a checksum: collect the replaced and the new words, then apply to each field they are
// in. RFC 1624 eqn. 3.
class ChecksumChange {
 public:
  void replace16(std::uint16_t old_word, std::uint16_t new_word) {
    sum_ += static_cast<std::uint16_t>(~old_word);
    sum_ += new_word;
  }
  void replace32(std::uint32_t old_words, std::uint32_t new_words) {
    sum_ += static_cast<std::uint32_t>(~old_words);
    sum_ += new_words;
  }
  void replace128(const std::uint8_t* old_words, const std::uint8_t* new_words) {
    for (std::size_t i = 0; i < 16; i += 4) replace32(load32(old_words + i), load32(new_words + i));
  }
  std::uint16_t folded() const { return fold(sum_); }
  std::uint16_t apply(std::uint16_t checksum) const {
    return static_cast<std::uint16_t>(~fold(sum_ + static_cast<std::uint16_t>(~checksum)));
  }

 private:
  std::uint64_t sum_ = 0;
};

// A sender on a virtual link leaves the transport checksum to hardware that is not there: the field then holds the
// folded sum of the pseudo-header only (SCTP: nothing). Fills in the whole checksum in that case (dataplane trap 4). A
// fragment's checksum covers more than is there and is complete already. `data` is the frame.
void complete_checksum(std::uint8_t* data, const Frame& frame) noexcept;

// One end of the packet: where it comes from, or where it goes to. Network order.
enum class End : std::uint8_t { Source, Destination };

// Writes address and port, and corrects the IPv4 header checksum; says what a transport checksum changes by. Also for a
// packet that an ICMP error quotes, whose transport checksum stays as it is (kernel ip_vs_nat_icmp).
ChecksumChange write_end(std::uint8_t* data, const Frame& frame, End end, const WireAddress& address,
                         std::uint16_t port) noexcept;

// write_end() and the transport checksum. A whole UDP packet without checksum gets one, as with IPVS. Only for frames
// that have ports.
void rewrite_end(std::uint8_t* data, const Frame& frame, End end, const WireAddress& address,
                 std::uint16_t port) noexcept;

// Of an ICMP error of either family; the frame must not be a fragment.
bool icmp_checksum_holds(const std::uint8_t* data, const Frame& frame) noexcept;
void write_icmp_checksum(std::uint8_t* data, const Frame& frame) noexcept;

// Time to live, or hop limit.
inline std::uint8_t ttl(const std::uint8_t* data, const Frame& frame) { return data[frame.ip + (frame.v6 ? 7 : 8)]; }
// It must be above 0.
void decrement_ttl(std::uint8_t* data, const Frame& frame) noexcept;

// IPv6 routers never fragment.
inline bool dont_fragment(const std::uint8_t* data, const Frame& frame) {
  return frame.v6 || (data[frame.ip + 6] & 0x40) != 0;
}

inline void write_macs(std::uint8_t* data, const base::MacAddress& destination, const base::MacAddress& source) {
  std::memcpy(data, destination.bytes.data(), 6);
  std::memcpy(data + 6, source.bytes.data(), 6);
}

}  // namespace lvsd::ipvs::engine

// Changes to a TCP segment that alter its length or its sequence numbers, in place, checksums corrected. Used by method
// fullnat to tell the server its client (client_notice.hpp) and to keep both ends' sequence numbers apart for it.
#pragma once

#include <cstdint>
#include <span>

#include "ipvs/engine/packet.hpp"

namespace lvsd::ipvs::engine {

// Where a whole, unfragmented TCP segment lies in a frame: what parse() found. Its checksum is complete.
struct Segment {
  std::uint32_t ip = 0;   // offset of the IPv4 or IPv6 header
  std::uint32_t tcp = 0;  // offset of the TCP header
};

inline constexpr std::uint32_t kMostTcpHeader = 60;

std::uint32_t tcp_header_length(const std::uint8_t* tcp) noexcept;

// Both move what stands before the place into the headroom, so that the offsets in `segment` hold afterwards, and
// return false, with nothing changed, without room. `bytes` has an even length, an option's length is a multiple of 4.
bool insert_option(Packet& packet, const Segment& segment, std::span<const std::uint8_t> bytes) noexcept;
bool insert_payload(Packet& packet, const Segment& segment, std::span<const std::uint8_t> bytes) noexcept;

// The maximum segment size option of a SYN, less `bytes`, but not below 88 (what an IPv4 host must take, 128, less
// headers). Nothing where there is none.
void lower_mss(std::uint8_t* data, const Segment& segment, std::uint16_t bytes) noexcept;

void set_sequence(std::uint8_t* data, const Segment& segment, std::uint32_t sequence) noexcept;

// A stream that begins with `first` has `inserted` bytes before what its sender sent. Turns an acknowledgement of the
// longer stream, selective ones too (RFC 2018 §3), into one of the sender's own: what lies in the inserted bytes is
// `first`.
void shorten_acknowledgement(std::uint8_t* data, const Segment& segment, std::uint32_t first,
                             std::uint32_t inserted) noexcept;

// Sequence numbers on their circle (RFC 9293 §3.4).
constexpr bool is_before(std::uint32_t a, std::uint32_t b) { return static_cast<std::int32_t>(a - b) < 0; }

}  // namespace lvsd::ipvs::engine

// What the director itself says about a packet it does not forward: ICMP errors and TCP resets, made in place of the
// packet and sent back to where it came from. Used by the forwarder, which limits their rate.
#pragma once

#include <cstdint>

#include "base/time.hpp"
#include "ipvs/engine/frame.hpp"
#include "ipvs/engine/packet.hpp"

namespace lvsd::ipvs::engine {

struct IcmpError {
  std::uint8_t type = 0;
  std::uint8_t code = 0;
  std::uint16_t mtu = 0;  // of the next hop, for fragmentation needed (RFC 1191 §4)
};
inline constexpr IcmpError kHostUnreachable{3, 1, 0};
inline constexpr IcmpError kPortUnreachable{3, 3, 0};
inline constexpr IcmpError kTimeExceeded{11, 0, 0};
constexpr IcmpError fragmentation_needed(std::uint16_t mtu) { return {3, 4, mtu}; }

// `source` is the address the error comes from (network order). False, and the packet unchanged, where there is no
// room. Quotes as much of the packet as keeps the answer within 576 bytes (RFC 1812 §4.3.2.3).
bool make_icmp_error(Packet& packet, const Frame& frame, IcmpError error, std::uint32_t source) noexcept;

// RFC 9293 §3.10.7.1, as a host answers for a closed connection. False for a packet that is a reset itself.
bool make_reset(Packet& packet, const Frame& frame) noexcept;

// At most `per_second` on average, `per_second` at once.
class RateLimit {
 public:
  explicit RateLimit(std::uint32_t per_second) : per_second_{per_second}, tokens_{per_second} {}
  bool take(base::TimePoint now) noexcept;

 private:
  std::uint32_t per_second_;
  std::uint32_t tokens_;
  base::TimePoint refilled_{};
};

}  // namespace lvsd::ipvs::engine

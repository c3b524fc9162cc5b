// What the director itself says about a packet it does not forward: ICMP errors and TCP resets, made in place of the
// packet and sent back to where it came from. Used by the forwarder, which limits their rate.
#pragma once

#include <cstdint>

#include "base/time.hpp"
#include "ipvs/engine/frame.hpp"
#include "ipvs/engine/packet.hpp"

namespace lvsd::ipvs::engine {

// Of either family: RFC 792 and RFC 1191, or RFC 4443.
struct IcmpError {
  enum class Kind : std::uint8_t { HostUnreachable, PortUnreachable, TimeExceeded, TooBig } kind{};
  std::uint32_t mtu = 0;  // of the next hop, for TooBig
};
inline constexpr IcmpError kHostUnreachable{IcmpError::Kind::HostUnreachable, 0};
inline constexpr IcmpError kPortUnreachable{IcmpError::Kind::PortUnreachable, 0};
inline constexpr IcmpError kTimeExceeded{IcmpError::Kind::TimeExceeded, 0};
constexpr IcmpError too_big(std::uint32_t mtu) { return {IcmpError::Kind::TooBig, mtu}; }

// `source` is the address the error comes from, of the packet's family. False, and the packet unchanged, where there is
// no room. Quotes as much of the packet as keeps the answer within 576 bytes (RFC 1812 §4.3.2.3), or 1280 (RFC 4443
// §2.4 c).
bool make_icmp_error(Packet& packet, const Frame& frame, IcmpError error, const WireAddress& source) noexcept;

// RFC 9293 §3.10.7.1, as a host answers for a closed connection. False for a packet that is a reset itself, and where
// there is no room.
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

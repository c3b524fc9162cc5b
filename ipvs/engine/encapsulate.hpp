// Method tun: an IPv4 or IPv6 packet gets an outer header and travels to the real server as it is. ipip (RFC 2003,
// 2473, 4213), gre (RFC 2784) and gue version 0 (draft-ietf-intarea-gue), each over IPv4 or IPv6. Used by the forwarder
// on the way out; the way back of errors is tunnel_error.hpp.
//
//   Ethernet | outer IP | nothing (ipip) / GRE 4, 8 with checksum / UDP 8 + GUE 4 | inner packet
#pragma once

#include <cstdint>

#include "base/address.hpp"
#include "ipvs/config.hpp"
#include "ipvs/engine/packet.hpp"

namespace lvsd::ipvs::engine {

struct Envelope {
  Tunnel tunnel;
  base::IpAddress source;  // of the same family as the destination
  base::IpAddress destination;
  std::uint32_t flow = 0;  // hash of the inner flow: gue's source port and the outer flow label, for ECMP and RSS
  std::uint16_t identification = 0;  // where the outer packet may be fragmented: unlike those of the last minutes
};

// Bytes between the Ethernet header and the inner packet: what a tunnel takes away from the MTU.
std::uint32_t tunnel_overhead(const Tunnel& tunnel, base::Family outer) noexcept;

// Whether routers on the outer way may fragment. IPv4: as the inner packet says. IPv6 in IPv4: only packets that every
// IPv6 link must carry whole (RFC 4213 §3.2.2); larger ones are to be answered with packet too big.
bool outer_dont_fragment(const std::uint8_t* inner) noexcept;

// `packet` begins with an Ethernet header and holds a whole IP packet of `length` bytes at `inner`; what is behind it
// is cut off. The outer header has the inner one's hop limit, DSCP and ECN (RFC 6040 §4.1 normal mode: congestion
// experienced stays so). The MACs are left to be written. False, and the packet unchanged, without headroom for it.
bool encapsulate(Packet& packet, std::uint32_t inner, std::uint32_t length, const Envelope& envelope) noexcept;

}  // namespace lvsd::ipvs::engine

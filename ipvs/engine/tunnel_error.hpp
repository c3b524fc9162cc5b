// An ICMP or ICMPv6 error about a packet that the engine sent into a tunnel comes to the director, which is the
// packet's source; the client must hear of it. Reads what the error quotes. Used by the forwarder.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/address.hpp"
#include "ipvs/config.hpp"

namespace lvsd::ipvs::engine {

struct QuotedTunnel {
  base::IpAddress source;  // an address of the director
  base::IpAddress server;
  Tunnel tunnel;            // kind, port, and for gre whether there is a checksum
  std::uint32_t inner = 0;  // offset of the inner packet in the quote
};

// `quote` is what follows the ICMP header. Nothing unless it is the beginning of a tunnel's packet that shows the whole
// IP header of the packet inside.
std::optional<QuotedTunnel> read_quoted_tunnel(std::span<const std::uint8_t> quote) noexcept;

}  // namespace lvsd::ipvs::engine

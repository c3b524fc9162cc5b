// An IP packet of protocol 112 as a value: what the codec must know of the IP header, and the message. Pure; made by
// the socket, from the header's bytes (IPv4) or from what the kernel says beside the message (IPv6).
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/address.hpp"

namespace lvsd::vrrp {

inline constexpr std::uint8_t kIpProtocol = 112;  // §5.1.1.4, §5.1.2.4
inline constexpr std::uint8_t kHopLimit = 255;    // §5.1.1.3, §5.1.2.3

// 224.0.0.18 and ff02::12 (§5.1.1.2, §5.1.2.2)
base::IpAddress multicast_group(base::Family family);

struct Datagram {
  base::IpAddress source;
  base::IpAddress destination;
  std::uint8_t hop_limit = 0;             // TTL
  std::span<const std::uint8_t> payload;  // the VRRP message and what follows it
  bool may_be_padded = false;             // so short that Ethernet padding may have been counted in
};

// `packet` opens with the IPv4 header; options are skipped. Nothing when it is not a whole packet of protocol 112.
std::optional<Datagram> read_ipv4(std::span<const std::uint8_t> packet);

// For handing a packet to its instance before decoding it; nothing when it is too short to say.
std::optional<std::uint8_t> peek_virtual_router_id(const Datagram& datagram);

}  // namespace lvsd::vrrp

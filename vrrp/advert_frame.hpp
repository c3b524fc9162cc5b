// An advertisement as a frame of our own making: with a virtual MAC address as its source, which no socket of IP can
// give it. Pure; used by Adverts.
#pragma once

#include <cstdint>
#include <span>

#include "base/address.hpp"
#include "vrrp/announce.hpp"

namespace lvsd::vrrp {

// RFC 1112 §6.4, RFC 2464 §7.
base::MacAddress multicast_mac(const base::IpAddress& group);

// Ethernet, IP (hop limit 255, protocol 112, precedence as routing protocols have it), and the message.
Frame advert_frame(const base::MacAddress& sender, const base::IpAddress& source, const base::IpAddress& group,
                   std::span<const std::uint8_t> message);

}  // namespace lvsd::vrrp

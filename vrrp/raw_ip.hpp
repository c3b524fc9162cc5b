// Raw sockets of IP protocol 112, as plain calls on a descriptor: what differs between IPv4 and IPv6. Used by the
// sockets alone.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/address.hpp"
#include "base/fd.hpp"
#include "base/result.hpp"
#include "vrrp/datagram.hpp"
#include "vrrp/link_table.hpp"

namespace lvsd::vrrp {

// Not blocking, bound to the link, member of the family's group, hop limit 255, without loopback of its own packets.
base::Result<base::UniqueFd> open_raw_ip(const Link& link, base::Family family);

base::Result<void> send_raw_ip(int fd, int link, const base::IpAddress& source, const base::IpAddress& destination,
                               std::span<const std::uint8_t> payload);

struct RawPacket {
  std::optional<Datagram> datagram;  // its payload is in the buffer; nothing: not a whole datagram of protocol 112
};
// Nothing when none has arrived.
std::optional<RawPacket> receive_raw_ip(int fd, base::Family family, std::span<std::uint8_t> buffer);

}  // namespace lvsd::vrrp

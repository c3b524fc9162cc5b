// The VRRPv3 advertisement for IPv4 on the wire: bytes → value and back. Pure; the socket hands in whole IP packets.
//
//   RFC 9568 §5.2     0               1               2               3
//                    |  3   |  1     |     VRID      |   priority    | address count |
//                    | rsvd |  interval (cs, 12 bit) |           checksum            |
//                    |                 IPv4 address × address count                  |
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace lvsd::vrrp {

inline constexpr std::uint8_t kIpProtocol = 112;
inline constexpr base::IpAddress kGroup = base::IpAddress::v4(0xe0000012);  // 224.0.0.18
inline constexpr std::size_t kMaxAddresses = 255;

struct Advertisement {
  std::uint8_t virtual_router_id = 0;  // 1..255
  std::uint8_t priority = 0;           // 0: the sender leaves; 255: it owns the addresses
  base::Duration interval{};           // 10 ms .. 40.95 s in steps of 10 ms
  std::vector<base::IpAddress> addresses;

  friend bool operator==(const Advertisement&, const Advertisement&) = default;
};

// RFC 9568 §5.2.8 sums the message alone for IPv4; keepalived, FRR and most routers sum a pseudo-header too.
enum class ChecksumForm { MessageOnly, PseudoHeader };

// Why a packet was not accepted: one counter each. Such a packet has no effect.
enum class DecodeError {
  IpHeader,     // not a whole IPv4 packet of protocol 112
  Destination,  // not sent to the group
  Own,          // our own, looped back by something
  Ttl,          // not 255: it crossed a router
  Length,       // shorter than its address count says, or longer by more than Ethernet padding
  Version,
  Type,
  VirtualRouterId,
  Count,     // no address at all
  Checksum,  // neither form fits
  Interval,  // 0
};
inline constexpr std::size_t kDecodeErrors = 11;

// Stable words for status and metrics: "ttl", "checksum", …
std::string_view word(DecodeError error);

// What only the receiver knows.
struct Expected {
  std::uint8_t virtual_router_id = 0;
  base::IpAddress own_address;
};

struct Received {
  Advertisement advertisement;
  base::IpAddress source;
  ChecksumForm form = ChecksumForm::PseudoHeader;

  friend bool operator==(const Received&, const Received&) = default;
};

// `packet` opens with the IPv4 header. Reserved bits are ignored, IP options skipped.
base::Result<Received, DecodeError> decode(std::span<const std::uint8_t> packet, const Expected& expected);

// For handing a packet to its instance before decoding it; nothing when it is too short to say.
std::optional<std::uint8_t> peek_virtual_router_id(std::span<const std::uint8_t> packet);

// For the log: who sent a packet that is not accepted; nothing when it is no IPv4 packet.
std::optional<base::IpAddress> peek_source(std::span<const std::uint8_t> packet);

// The IP payload. `source` enters the pseudo-header.
std::vector<std::uint8_t> encode(const Advertisement& advertisement, const base::IpAddress& source, ChecksumForm form);

}  // namespace lvsd::vrrp

// The VRRP advertisement on the wire, versions 2 and 3: bytes → value and back. Pure; the socket hands in datagrams.
//
//   RFC 9568 §5.2     0               1               2               3
//                    |  3   |  1     |     VRID      |   priority    | address count |
//                    | rsvd |  interval (cs, 12 bit) |           checksum            |
//                    |                IPvX address × address count                   |
//   RFC 3768 §5.3    |  2   |  1     |     VRID      |   priority    | address count |
//                    |   auth type   | interval (s)  |           checksum            |
//                    |        IPv4 address × address count, 8 bytes of password      |
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "vrrp/datagram.hpp"

namespace lvsd::vrrp {

inline constexpr std::size_t kMaxAddresses = 255;
inline constexpr std::size_t kPasswordSize = 8;  // version 2; shorter ones are filled with zeros
inline constexpr std::size_t kTrailerSize = 28;  // HMAC authentication, see auth_trailer.hpp

struct Advertisement {
  std::uint8_t virtual_router_id = 0;  // 1..255
  std::uint8_t priority = 0;           // 0: the sender leaves; 255: it owns the addresses
  base::Duration interval{};           // version 3: 10 ms .. 40.95 s in steps of 10 ms; version 2: 1 s .. 255 s
  std::vector<base::IpAddress> addresses;
  std::uint8_t version = 3;
  std::string password;  // version 2, at most kPasswordSize bytes; empty: no authentication

  friend bool operator==(const Advertisement&, const Advertisement&) = default;
};

// RFC 9568 §5.2.8 sums the message alone for IPv4; keepalived, FRR and most routers sum a pseudo-header too. IPv6 has
// the pseudo-header always, version 2 never.
enum class ChecksumForm { MessageOnly, PseudoHeader };

// Why a packet was not accepted: one counter each. Such a packet has no effect.
enum class DecodeError {
  IpHeader,     // not a whole IP packet of protocol 112
  Destination,  // not sent to the group, or with unicast peers not to our address
  Own,          // our own, looped back by something
  Ttl,          // not 255: it crossed a router
  Source,       // not one of the peers that are listened to
  Length,       // shorter than its address count says, or longer by more than Ethernet padding
  Version,
  Type,
  VirtualRouterId,
  Count,          // no address at all
  Checksum,       // no form fits
  Interval,       // 0
  OtherInterval,  // version 2: not ours (RFC 3768 §7.1)
  FirstAddress,   // IPv6: not link-local (erratum 8300)
  Owner,          // version 2: we own the addresses, nobody else can be master (RFC 3768 §7.1)
  AuthType,       // version 2: not ours
  Password,       // version 2: not ours
  HmacMissing,    // from here: HMAC authentication, see auth_trailer.hpp
  HmacMalformed,
  HmacKey,     // no key of that id
  HmacDigest,  // not made with our key, or changed on its way
  HmacStale,   // its time is not near ours
  HmacReplay,  // heard before
};
inline constexpr std::size_t kDecodeErrors = 23;

// Stable words for status and metrics: "ttl", "checksum", …
std::string_view word(DecodeError error);

// What only the receiver knows.
struct Expected {
  std::uint8_t virtual_router_id = 0;
  base::IpAddress own_address;
  std::uint8_t version = 3;
  base::Duration interval{};             // version 2: ours
  std::string password{};                // version 2
  bool owner = false;                    // our priority is 255
  bool unicast = false;                  // sent to our address, else to the group
  bool any_hop_limit = false;            // peers may be beyond routers
  bool trailer = false;                  // an HMAC trailer may follow the message
  std::vector<base::IpAddress> peers{};  // if there are any, only these are listened to
};

struct Received {
  Advertisement advertisement;
  base::IpAddress source;
  ChecksumForm form = ChecksumForm::PseudoHeader;
  std::vector<std::uint8_t> trailer;  // empty, or kTrailerSize bytes that nobody has verified yet

  friend bool operator==(const Received&, const Received&) = default;
};

// Reserved bits are ignored.
base::Result<Received, DecodeError> decode(const Datagram& datagram, const Expected& expected);

// The IP payload. The addresses are of one family; source and destination enter the pseudo-header. The checksum covers
// `trailer` with IPv6 only, where it is the transport's.
std::vector<std::uint8_t> encode(const Advertisement& advertisement, const base::IpAddress& source,
                                 const base::IpAddress& destination, ChecksumForm form,
                                 std::span<const std::uint8_t> trailer = {});

}  // namespace lvsd::vrrp

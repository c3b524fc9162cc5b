// The messages by which kernel IPVS shares connections, version 1: what --start-daemon of ipvsadm sends and hears, in
// UDP to a multicast group. Pure; used by ipvs_records and multicast. After net/netfilter/ipvs/ip_vs_sync.c
// (struct ip_vs_sync_mesg, ip_vs_sync_v4, ip_vs_sync_v6). Big-endian:
//
//   message:    u8 0 | u8 id | u16 bytes | u8 count of connections | u8 version 1 | u16 0 | connections, each at a
//               multiple of 4
//   connection: u8 kind (bit 0: IPv6) | u8 protocol | u16 bytes (upper 4 bits 0) | u32 flags | u16 state | u16 ports of
//               client, virtual address, server | u32 firewall mark | u32 timeout | addresses of the three | options
//   option:     u8 kind | u8 bytes of data | data
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/address.hpp"

namespace lvsd::ipvs::sync {

// By how much a director has moved a direction's sequence numbers.
struct IpvsSequence {
  std::uint32_t initial = 0;
  std::uint32_t delta = 0;
  std::uint32_t previous_delta = 0;
  friend bool operator==(const IpvsSequence&, const IpvsSequence&) = default;
};

struct IpvsConnection {
  // The kernel's (include/uapi/linux/ip_vs.h).
  static constexpr std::uint32_t kMethodMask = 0x7;
  static constexpr std::uint32_t kMasquerade = 0;
  static constexpr std::uint32_t kTunnel = 2;
  static constexpr std::uint32_t kDirectRoute = 3;
  static constexpr std::uint32_t kNoOutput = 0x80;  // replies do not pass the director, or none did yet
  static constexpr std::uint32_t kInactive = 0x100;
  static constexpr std::uint32_t kOutSequence = 0x200;  // `sequences` count
  static constexpr std::uint32_t kInSequence = 0x400;
  static constexpr std::uint32_t kNoClientPort = 0x800;
  static constexpr std::uint32_t kTemplate = 0x1000;
  static constexpr std::uint32_t kOnePacket = 0x2000;

  std::uint8_t protocol = 0;  // IANA number; template of a firewall mark: 0
  std::uint16_t state = 0;    // within the protocol; template: 1 once a connection was established
  std::uint32_t flags = 0;
  std::uint32_t fwmark = 0;     // 0: none
  std::uint32_t timeout_s = 0;  // 0: the hearer's own
  base::Endpoint client;
  base::Endpoint virtual_address;  // template of a firewall mark: the mark in the address
  base::Endpoint server;
  std::optional<std::array<IpvsSequence, 2>> sequences{};  // in, out
  std::string engine;                                      // of persistence, at most 16 bytes
  std::string engine_data;                                 // at most 255 bytes
  bool unknown_option = false;                             // read only: it carries what must be understood and is not

  bool has(std::uint32_t flag) const { return (flags & flag) != 0; }
  friend bool operator==(const IpvsConnection&, const IpvsConnection&) = default;
};

struct IpvsMessage {
  std::uint8_t id = 0;
  std::vector<IpvsConnection> connections;
  friend bool operator==(const IpvsMessage&, const IpvsMessage&) = default;
};

inline constexpr std::size_t kLeastIpvsMessage = 1024;  // that an interface has to carry, as the kernel's

// As few messages as hold them, each of at most `max_length` bytes, which is kLeastIpvsMessage at least.
std::vector<std::vector<std::uint8_t>> encode_ipvs(std::span<const IpvsConnection> connections, std::uint8_t id,
                                                   std::size_t max_length);

// Nothing: not a whole, well-formed message of version 1; then none of it is used.
std::optional<IpvsMessage> decode_ipvs(std::span<const std::uint8_t> bytes);

}  // namespace lvsd::ipvs::sync

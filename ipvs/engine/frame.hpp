// What stands in a frame: the header parser of the engine's data path. Reads, never writes. Addresses and ports stay as
// they stand in the packet (network order), because they are only compared, hashed and written back.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <span>

#include "ipvs/engine/network_order.hpp"

namespace lvsd::ipvs::engine {

inline constexpr std::uint32_t kEthernetHeader = 14;  // bytes, untagged
inline constexpr std::uint32_t kIpv6Header = 40;      // without extension headers
inline constexpr std::uint32_t kLeastIpv6Mtu = 1280;  // RFC 8200 §5

inline std::uint16_t load16(const std::uint8_t* at) {
  std::uint16_t value = 0;
  std::memcpy(&value, at, sizeof value);
  return value;
}
inline std::uint32_t load32(const std::uint8_t* at) {
  std::uint32_t value = 0;
  std::memcpy(&value, at, sizeof value);
  return value;
}
inline void store16(std::uint8_t* at, std::uint16_t value) { std::memcpy(at, &value, sizeof value); }
inline void store32(std::uint8_t* at, std::uint32_t value) { std::memcpy(at, &value, sizeof value); }
inline std::uint16_t load16_host(const std::uint8_t* at) { return static_cast<std::uint16_t>((at[0] << 8) | at[1]); }
inline std::uint32_t load32_host(const std::uint8_t* at) {
  return (std::uint32_t{load16_host(at)} << 16) | load16_host(at + 2);
}
inline void store16_host(std::uint8_t* at, std::uint16_t value) {
  at[0] = static_cast<std::uint8_t>(value >> 8);
  at[1] = static_cast<std::uint8_t>(value);
}
inline void store32_host(std::uint8_t* at, std::uint32_t value) {
  store16_host(at, static_cast<std::uint16_t>(value >> 16));
  store16_host(at + 2, static_cast<std::uint16_t>(value));
}

inline constexpr std::uint8_t kTcpFin = 0x01;
inline constexpr std::uint8_t kTcpSyn = 0x02;
inline constexpr std::uint8_t kTcpRst = 0x04;
inline constexpr std::uint8_t kTcpAck = 0x10;

enum class FrameKind : std::uint8_t {
  Other,      // nothing the engine handles: ARP, ND, ping, VLANs, multicast …
  Malformed,  // IP that is shorter than its headers say or contradicts itself
  Options,    // a source route, or more extension headers than kExtensionLimit
  Fragment,   // a fragment but the first: addresses are set, ports are not
  IcmpError,  // what it quotes is read by parse_quoted()
  Ipsec,      // AH, ESP: whole, or a first fragment
  Tcp,        // these three: whole, or a first fragment
  Udp,
  Sctp,
};

struct Frame {
  FrameKind kind = FrameKind::Other;
  bool v6 = false;
  std::uint16_t ip = kEthernetHeader;  // offset of the IP header; 18 behind a priority tag
  std::uint8_t protocol = 0;           // of the transport, behind extension headers
  std::uint8_t tcp_flags = 0;
  bool more_fragments = false;     // the first fragment of several
  std::uint16_t ip_header = 0;     // bytes, with extension headers
  std::uint16_t total_length = 0;  // of IP, without Ethernet padding; ip + total_length <= frame length
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::uint32_t fragment_id = 0;  // of any fragment; network order
  WireAddress source;
  WireAddress destination;

  std::uint32_t transport() const { return std::uint32_t{ip} + ip_header; }  // offset of the transport header
  std::uint32_t transport_length() const { return std::uint32_t{total_length} - ip_header; }
  bool has_ports() const { return kind >= FrameKind::Tcp; }
  bool is_fragment() const { return more_fragments || kind == FrameKind::Fragment; }
};

constexpr bool is_ipsec(std::uint8_t protocol) { return protocol == 50 || protocol == 51; }

// The transport header and what follows it, of the frame at `data` that was parsed.
inline std::span<const std::uint8_t> transport_of(const std::uint8_t* data, const Frame& frame) noexcept {
  return {data + frame.transport(), frame.transport_length()};
}

inline constexpr int kExtensionLimit = 4;  // IPv6 extension headers that are looked through

// Into `frame`, whatever it held: a Frame that is copied right after its small fields were written makes the processor
// wait for them.
void parse(std::span<const std::uint8_t> bytes, Frame& frame) noexcept;
inline Frame parse(std::span<const std::uint8_t> bytes) noexcept {
  Frame frame;
  parse(bytes, frame);
  return frame;
}

// The packet that an ICMP error quotes, as far as it is there: `frame.kind` is Tcp, Udp or Sctp with its ports, Ipsec,
// or Other (a tunnel's packet, say). Offsets are those of the frame; `total_length` is what the quoted header says and
// may reach beyond it. None: less than the header and eight bytes of the transport, or a later fragment.
std::optional<Frame> parse_quoted(std::span<const std::uint8_t> bytes, const Frame& error) noexcept;

// No packet comes from there: RFC 1812 §5.3.7 (0/8, 127/8, 224/4, 255.255.255.255), and for IPv6 the unspecified,
// loopback, IPv4-mapped and multicast addresses, and link-local ones, which no router forwards (RFC 4291 §2.5.6).
bool is_impossible_source(const WireAddress& address, bool v6) noexcept;

}  // namespace lvsd::ipvs::engine

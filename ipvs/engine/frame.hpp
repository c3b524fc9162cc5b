// What stands in a frame: the header parser of the engine's data path. Reads, never writes. Addresses and ports stay as
// they stand in the packet (network order), because they are only compared, hashed and written back.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>

namespace lvsd::ipvs::engine {

inline constexpr std::uint32_t kEthernetHeader = 14;  // bytes, untagged

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
  Other,      // nothing the engine handles: ARP, IPv6, ICMP, VLANs, multicast …
  Malformed,  // IPv4 that is shorter than its headers say or contradicts itself
  Options,    // IPv4 with a source route
  Fragment,   // any fragment; addresses are set, ports are not
  Tcp,
  Udp,
};

struct Frame {
  FrameKind kind = FrameKind::Other;
  std::uint8_t ip = kEthernetHeader;  // offset of the IP header; 18 behind a priority tag
  std::uint8_t ip_header = 0;         // bytes, 20..60
  std::uint8_t protocol = 0;
  std::uint8_t tcp_flags = 0;
  std::uint16_t total_length = 0;  // of IP, without Ethernet padding; ip + total_length <= frame length
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::uint32_t source = 0;
  std::uint32_t destination = 0;

  std::uint32_t transport() const { return std::uint32_t{ip} + ip_header; }  // offset of the TCP or UDP header
  std::uint32_t transport_length() const { return std::uint32_t{total_length} - ip_header; }
};

Frame parse(std::span<const std::uint8_t> bytes) noexcept;

}  // namespace lvsd::ipvs::engine

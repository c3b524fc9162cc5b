// Frames for tests, benchmarks and fuzzers: built field by field with checksums of its own (base/checksum.hpp), so that
// the engine's arithmetic is never measured with itself.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/address.hpp"
#include "base/bytes.hpp"
#include "base/checksum.hpp"

namespace lvsd::test {

using Bytes = std::vector<std::uint8_t>;

inline base::IpAddress ip(std::string_view text) { return *base::IpAddress::parse(text); }
inline base::Endpoint endpoint(std::string_view text) { return *base::Endpoint::parse(text, false); }

inline constexpr base::MacAddress kClientMac{{2, 0, 0, 0, 0, 0xc1}};
inline constexpr base::MacAddress kFrontMac{{2, 0, 0, 0, 0, 0x01}};  // the director, clients' side
inline constexpr base::MacAddress kBackMac{{2, 0, 0, 0, 0, 0x02}};   // the director, servers' side

inline constexpr std::uint8_t kFin = 1, kSyn = 2, kRst = 4, kPsh = 8, kAck = 16;

enum class Check : std::uint8_t { Complete, PseudoHeaderOnly, None, Wrong };

struct FrameSpec {
  base::MacAddress to = kFrontMac;
  base::MacAddress from = kClientMac;
  std::uint8_t protocol = 6;
  base::Endpoint source = endpoint("192.0.2.10:40000");
  base::Endpoint destination = endpoint("198.51.100.1:80");
  std::uint8_t flags = kSyn;
  std::uint32_t sequence = 1000;
  std::uint32_t acknowledged = 0;
  Bytes payload{};
  std::uint8_t ttl = 64;
  std::uint16_t fragment = 0x4000;  // flags and offset: DF
  Bytes options{};                  // of IP, a multiple of 4; with IPv6 whole extension headers, …
  std::uint8_t first_option = 0;    // … of which this is the first's number
  Check check = Check::Complete;
  std::size_t padding = 0;  // behind the IP packet
  int vlan = -1;
};

inline constexpr std::uint8_t kSctpProtocol = 132;

// Bit by bit, unlike the engine's table (RFC 9260 appendix A).
inline std::uint32_t slow_crc32c(std::span<const std::uint8_t> bytes) {
  std::uint32_t crc = ~0u;
  for (const auto byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78u : 0u);
  }
  return ~crc;
}

inline Bytes sctp_bytes(const FrameSpec& spec) {
  base::ByteWriter w;
  w.u16(spec.source.port);
  w.u16(spec.destination.port);
  w.u32(spec.sequence);  // verification tag
  w.u32(0);
  w.append(spec.payload);
  if (spec.check == Check::Complete) {
    const auto crc = slow_crc32c(w.bytes);
    for (unsigned i = 0; i < 4; ++i) w.bytes[8 + i] = static_cast<std::uint8_t>(crc >> (8 * i));
  }
  return w.bytes;
}

inline Bytes transport_bytes(const FrameSpec& spec) {
  if (spec.protocol == kSctpProtocol) return sctp_bytes(spec);
  base::ByteWriter w;
  w.u16(spec.source.port);
  w.u16(spec.destination.port);
  if (spec.protocol == 6) {
    w.u32(spec.sequence);
    w.u32(spec.acknowledged);
    w.u8(0x50);
    w.u8(spec.flags);
    w.u16(1024);
    w.u32(0);
  } else {
    w.u16(static_cast<std::uint16_t>(8 + spec.payload.size()));
    w.u16(0);
  }
  w.append(spec.payload);
  const auto length = static_cast<std::uint32_t>(w.bytes.size());
  const auto pseudo = base::pseudo_header_sum(spec.source.address, spec.destination.address, spec.protocol, length);
  auto check = base::checksum_finish(base::checksum_add(pseudo, w.bytes));
  if (check == 0 && spec.protocol == 17) check = 0xffff;
  if (spec.check == Check::PseudoHeaderOnly) check = base::checksum_fold(pseudo);
  if (spec.check == Check::Wrong) check = static_cast<std::uint16_t>(check ^ 0x0101);
  if (spec.check == Check::None) check = 0;
  const std::size_t at = spec.protocol == 6 ? 16 : 6;
  w.bytes[at] = static_cast<std::uint8_t>(check >> 8);
  w.bytes[at + 1] = static_cast<std::uint8_t>(check);
  return w.bytes;
}

inline Bytes ipv4_header(const FrameSpec& spec, std::size_t transport) {
  base::ByteWriter w;
  w.u8(static_cast<std::uint8_t>(0x45 + spec.options.size() / 4));
  w.u8(0);
  w.u16(static_cast<std::uint16_t>(20 + spec.options.size() + transport));
  w.u16(0x1234);
  w.u16(spec.fragment);
  w.u8(spec.ttl);
  w.u8(spec.protocol);
  w.u16(0);
  w.append({spec.source.address.data(), 4});
  w.append({spec.destination.address.data(), 4});
  w.append(spec.options);
  const auto check = base::checksum_finish(base::checksum_add(0, w.bytes));
  w.bytes[10] = static_cast<std::uint8_t>(check >> 8);
  w.bytes[11] = static_cast<std::uint8_t>(check);
  return w.bytes;
}

inline Bytes ipv6_header(const FrameSpec& spec, std::size_t transport) {
  base::ByteWriter w;
  w.u32(0x60000000);
  w.u16(static_cast<std::uint16_t>(spec.options.size() + transport));
  w.u8(spec.options.empty() ? spec.protocol : spec.first_option);
  w.u8(spec.ttl);
  w.append({spec.source.address.data(), 16});
  w.append({spec.destination.address.data(), 16});
  w.append(spec.options);
  return w.bytes;
}

// Of the family of the source address.
inline Bytes make_frame(const FrameSpec& spec) {
  const auto transport = transport_bytes(spec);
  const bool v4 = spec.source.address.is_v4();
  base::ByteWriter frame;
  frame.append(spec.to.bytes);
  frame.append(spec.from.bytes);
  if (spec.vlan >= 0) {
    frame.u16(0x8100);
    frame.u16(static_cast<std::uint16_t>(spec.vlan));
  }
  frame.u16(v4 ? 0x0800 : 0x86dd);
  frame.append((v4 ? ipv4_header : ipv6_header)(spec, transport.size()));
  frame.append(transport);
  frame.bytes.resize(frame.bytes.size() + spec.padding);
  return frame.bytes;
}

// The IP packet of a frame cut into fragments at `at` bytes of its payload (a multiple of 8), as a sender would. The
// frame must have no options or extension headers.
inline std::vector<Bytes> cut(const Bytes& frame, std::vector<std::size_t> at, std::uint32_t id = 0x77) {
  const bool v6 = (frame[14] >> 4) == 6;
  const std::size_t header = v6 ? 40 : 20;
  const Bytes payload(frame.begin() + 14 + static_cast<std::ptrdiff_t>(header), frame.end());
  std::vector<Bytes> fragments;
  at.push_back(payload.size());
  std::size_t from = 0;
  for (const auto to : at) {
    Bytes f(frame.begin(), frame.begin() + 14 + static_cast<std::ptrdiff_t>(header));
    const bool more = to != payload.size();
    base::ByteWriter w;
    if (v6) {
      w.u8(f[14 + 6]);
      w.u8(0);
      w.u16(static_cast<std::uint16_t>(from | (more ? 1u : 0u)));
      w.u32(id);
      f[14 + 6] = 44;
      const auto length = 8 + to - from;
      f[14 + 4] = static_cast<std::uint8_t>(length >> 8);
      f[14 + 5] = static_cast<std::uint8_t>(length);
    } else {
      const auto length = header + to - from;
      f[16] = static_cast<std::uint8_t>(length >> 8);
      f[17] = static_cast<std::uint8_t>(length);
      f[18] = static_cast<std::uint8_t>(id >> 8);
      f[19] = static_cast<std::uint8_t>(id);
      const auto field = from / 8 | (more ? 0x2000u : 0u);
      f[20] = static_cast<std::uint8_t>(field >> 8);
      f[21] = static_cast<std::uint8_t>(field);
      f[24] = f[25] = 0;
      const auto check = base::checksum_finish(base::checksum_add(0, std::span{f}.subspan(14, 20)));
      f[24] = static_cast<std::uint8_t>(check >> 8);
      f[25] = static_cast<std::uint8_t>(check);
    }
    f.insert(f.end(), w.bytes.begin(), w.bytes.end());
    f.insert(f.end(), payload.begin() + static_cast<std::ptrdiff_t>(from),
             payload.begin() + static_cast<std::ptrdiff_t>(to));
    fragments.push_back(std::move(f));
    from = to;
  }
  return fragments;
}

// An ICMP error about `quoted` (an IP packet, perhaps cut short).
inline Bytes make_icmp(const FrameSpec& around, std::uint8_t type, std::uint8_t code, std::uint32_t rest,
                       std::span<const std::uint8_t> quoted) {
  auto spec = around;
  const bool v4 = spec.source.address.is_v4();
  spec.protocol = v4 ? 1 : 58;
  base::ByteWriter w;
  w.u8(type);
  w.u8(code);
  w.u16(0);
  w.u32(rest);
  w.append(quoted);
  const auto length = static_cast<std::uint32_t>(w.bytes.size());
  const auto pseudo = v4 ? 0 : base::pseudo_header_sum(spec.source.address, spec.destination.address, 58, length);
  const auto check = base::checksum_finish(base::checksum_add(pseudo, w.bytes));
  w.bytes[2] = static_cast<std::uint8_t>(check >> 8);
  w.bytes[3] = static_cast<std::uint8_t>(check);
  base::ByteWriter frame;
  frame.append(spec.to.bytes);
  frame.append(spec.from.bytes);
  frame.u16(v4 ? 0x0800 : 0x86dd);
  frame.append((v4 ? ipv4_header : ipv6_header)(spec, w.bytes.size()));
  frame.append(w.bytes);
  return frame.bytes;
}

inline bool transport_checksum_holds(std::span<const std::uint8_t> transport, std::uint8_t protocol,
                                     std::uint64_t pseudo) {
  if (protocol == kSctpProtocol) {
    if (transport.size() < 12) return false;
    Bytes zeroed(transport.begin(), transport.end());
    for (std::size_t i = 8; i < 12; ++i) zeroed[i] = 0;
    const auto crc = slow_crc32c(zeroed);
    return transport[8] == (crc & 0xff) && transport[9] == (crc >> 8 & 0xff) && transport[10] == (crc >> 16 & 0xff) &&
           transport[11] == crc >> 24;
  }
  const bool v4_none = protocol == 17 && transport[6] == 0 && transport[7] == 0;
  return v4_none || base::checksum_fold(base::checksum_add(pseudo, transport)) == 0xffff;
}

// The IP header's and the transport's checksum are right (a UDP checksum of 0 is). For frames without tag, and for IPv6
// without extension headers.
inline bool checksums_hold(std::span<const std::uint8_t> frame) {
  const auto packet = frame.subspan(14);
  const auto word = [&](std::size_t at) { return static_cast<std::uint32_t>((packet[at] << 8) | packet[at + 1]); };
  if (packet[0] >> 4 == 6) {
    std::array<std::uint8_t, 16> from{}, to{};
    std::copy_n(packet.begin() + 8, 16, from.begin());
    std::copy_n(packet.begin() + 24, 16, to.begin());
    const auto transport = packet.subspan(40, word(4));
    return transport_checksum_holds(
        transport, packet[6],
        base::pseudo_header_sum(base::IpAddress::v6(from), base::IpAddress::v6(to), packet[6], word(4)));
  }
  const std::size_t header = (packet[0] & 0x0fu) * 4u;
  if (base::checksum_fold(base::checksum_add(0, packet.first(header))) != 0xffff) return false;
  const auto address = [&](std::size_t at) { return base::IpAddress::v4((word(at) << 16) | word(at + 2)); };
  const auto transport = packet.subspan(header, word(2) - header);
  const bool icmp = packet[9] == 1;
  return transport_checksum_holds(transport, packet[9],
                                  icmp ? 0
                                       : base::pseudo_header_sum(address(12), address(16), packet[9],
                                                                 static_cast<std::uint32_t>(transport.size())));
}

}  // namespace lvsd::test

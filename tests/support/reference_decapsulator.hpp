// The slow and obvious end of a tunnel, for comparison with the engine's encapsulation: one field after the other by a
// bounds-checked reader, every checksum verified. Nothing of the engine's.
#pragma once

#include <optional>
#include <span>

#include "base/bytes.hpp"
#include "base/checksum.hpp"
#include "tests/support/frames.hpp"

namespace lvsd::test {

struct Decapsulated {
  enum class Kind : std::uint8_t { Ipip, Gue, Gre } kind{};
  base::IpAddress source, destination;
  std::uint8_t traffic_class = 0, hop_limit = 0;
  std::uint16_t identification = 0;
  bool dont_fragment = false;
  std::uint32_t flow_label = 0;
  std::uint16_t source_port = 0, destination_port = 0;
  bool has_checksum = false;
  Bytes inner;
};

inline base::IpAddress read_address(base::ByteReader& reader, bool v4) {
  if (v4) return base::IpAddress::v4(reader.u32());
  std::array<std::uint8_t, 16> bytes{};
  const auto taken = reader.take(16);
  std::copy(taken.begin(), taken.end(), bytes.begin());
  return base::IpAddress::v6(bytes);
}

// What the outer IP header carries, its length field applied; false where the header is not right.
inline bool open_outer(base::ByteReader& in, std::span<const std::uint8_t> packet, Decapsulated& d,
                       std::uint8_t& protocol, std::size_t& length) {
  const bool v4 = !packet.empty() && packet[0] >> 4 == 4;
  if (v4) {
    const auto version_length = in.u8();
    d.traffic_class = in.u8();
    const auto total = in.u16();
    d.identification = in.u16();
    const auto fragment = in.u16();
    d.dont_fragment = (fragment & 0x4000) != 0;
    d.hop_limit = in.u8();
    protocol = in.u8();
    in.u16();
    d.source = read_address(in, true);
    d.destination = read_address(in, true);
    if (!in.ok || version_length != 0x45 || (fragment & 0x3fff) != 0 || total < 20) return false;
    if (base::checksum_fold(base::checksum_add(0, packet.first(20))) != 0xffff) return false;
    length = total - 20u;
  } else {
    const auto word = in.u32();
    length = in.u16();
    protocol = in.u8();
    d.hop_limit = in.u8();
    d.source = read_address(in, false);
    d.destination = read_address(in, false);
    if (!in.ok || word >> 28 != 6) return false;
    d.traffic_class = static_cast<std::uint8_t>(word >> 20);
    d.flow_label = word & 0xfffff;
  }
  return length == in.left();
}

inline bool open_gue(base::ByteReader& in, std::span<const std::uint8_t> udp, Decapsulated& d, std::uint8_t& inner) {
  d.source_port = in.u16();
  d.destination_port = in.u16();
  const auto length = in.u16();
  d.has_checksum = in.u16() != 0;
  if (!in.ok || length != udp.size()) return false;
  const auto pseudo = base::pseudo_header_sum(d.source, d.destination, 17, length);
  if (d.has_checksum && base::checksum_fold(base::checksum_add(pseudo, udp)) != 0xffff) return false;
  const auto version = in.u8();  // version, control bit, length of options
  inner = in.u8();
  const auto flags = in.u16();
  return in.ok && version == 0 && flags == 0;
}

inline bool open_gre(base::ByteReader& in, std::span<const std::uint8_t> gre, Decapsulated& d, std::uint8_t& inner) {
  const auto flags = in.u16();
  const auto type = in.u16();
  d.has_checksum = flags == 0x8000;
  if (d.has_checksum) in.u32();
  if (!in.ok || (flags & 0x7fff) != 0) return false;
  if (d.has_checksum && base::checksum_fold(base::checksum_add(0, gre)) != 0xffff) return false;
  inner = type == 0x0800 ? 4 : type == 0x86dd ? 41 : 0;
  return true;
}

// `frame` begins with an Ethernet header. Nothing where a real end of the tunnel would drop the packet.
inline std::optional<Decapsulated> decapsulate(std::span<const std::uint8_t> frame) {
  if (frame.size() < 14) return std::nullopt;
  const auto packet = frame.subspan(14);
  const auto type = (frame[12] << 8) | frame[13];
  Decapsulated d;
  base::ByteReader in{packet};
  std::uint8_t protocol = 0;
  std::size_t length = 0;
  if (!open_outer(in, packet, d, protocol, length)) return std::nullopt;
  if (type != (d.source.is_v4() ? 0x0800 : 0x86dd)) return std::nullopt;
  const auto payload = packet.subspan(packet.size() - length);
  auto inner = protocol;
  if (protocol == 17) {
    d.kind = Decapsulated::Kind::Gue;
    if (!open_gue(in, payload, d, inner)) return std::nullopt;
  } else if (protocol == 47) {
    d.kind = Decapsulated::Kind::Gre;
    if (!open_gre(in, payload, d, inner)) return std::nullopt;
  }
  const auto left = in.take(in.left());
  d.inner.assign(left.begin(), left.end());
  if (d.inner.empty() || d.inner[0] >> 4 != (inner == 4 ? 4 : inner == 41 ? 6 : 0)) return std::nullopt;
  return d;
}

}  // namespace lvsd::test

// The slow and obvious reading of a frame, for comparison with the engine's parser: one field after the other by a
// bounds-checked reader, every rule in a line of its own.
#pragma once

#include <span>

#include "base/bytes.hpp"
#include "base/checksum.hpp"
#include "ipvs/engine/frame.hpp"

namespace lvsd::test {

struct ReferenceFrame {
  ipvs::engine::FrameKind kind = ipvs::engine::FrameKind::Other;
  std::uint32_t source = 0, destination = 0;  // host order
  std::uint16_t source_port = 0, destination_port = 0;
  std::uint16_t total_length = 0;
};

inline ReferenceFrame reference_parse(std::span<const std::uint8_t> bytes) {
  using Kind = ipvs::engine::FrameKind;
  ReferenceFrame f;
  base::ByteReader ethernet{bytes};
  const auto to = ethernet.take(6);
  ethernet.take(6);
  auto type = ethernet.u16();
  std::size_t offset = 14;
  if (!ethernet.ok || (to[0] & 1)) return f;
  if (type == 0x8100) {
    const auto tag = ethernet.u16();
    type = ethernet.u16();
    offset = 18;
    if (!ethernet.ok || (tag & 0xfff) != 0) return f;
  }
  if (type != 0x0800) return f;

  const auto packet = bytes.subspan(offset);
  base::ByteReader ip{packet};
  const auto version_length = ip.u8();
  ip.u8();
  const auto total = ip.u16();
  ip.u16();
  const auto fragment = ip.u16();
  ip.u8();
  const auto protocol = ip.u8();
  ip.u16();
  const auto source = ip.u32();
  const auto destination = ip.u32();
  const std::size_t header = (version_length & 15u) * 4u;
  const bool broken = !ip.ok || (version_length >> 4) != 4 || header < 20 || total < header || total > packet.size();
  if (broken || base::checksum_fold(base::checksum_add(0, packet.first(header))) != 0xffff) {
    f.kind = Kind::Malformed;
    return f;
  }
  if (protocol != 6 && protocol != 17) return f;
  for (base::ByteReader options{packet.subspan(20, header - 20)}; options.left() > 0;) {
    const auto option = options.u8();
    if (option == 0) break;
    if (option == 1) continue;
    const auto length = options.u8();
    options.take(length < 2 ? 1000 : length - 2u);
    if (!options.ok) {
      f.kind = Kind::Malformed;
      return f;
    }
    if (option == 131 || option == 137) {
      f.kind = Kind::Options;
      return f;
    }
  }
  f.source = source;
  f.destination = destination;
  f.total_length = total;
  if ((fragment & 0x2000) != 0 || (fragment & 0x1fff) != 0) {
    f.kind = Kind::Fragment;
    return f;
  }
  const auto segment = packet.subspan(header, total - header);
  base::ByteReader transport{segment};
  f.source_port = transport.u16();
  f.destination_port = transport.u16();
  f.kind = Kind::Malformed;
  if (protocol == 17) {
    const auto length = transport.u16();
    transport.u16();
    if (transport.ok && length >= 8 && length <= segment.size()) f.kind = Kind::Udp;
  } else {
    transport.take(8);
    const std::size_t tcp_header = (transport.u8() >> 4) * 4u;
    transport.take(7);
    if (transport.ok && tcp_header >= 20 && tcp_header <= segment.size()) f.kind = Kind::Tcp;
  }
  return f;
}

}  // namespace lvsd::test

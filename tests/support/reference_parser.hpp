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
  base::IpAddress source, destination;
  std::uint16_t source_port = 0, destination_port = 0;  // host order
  std::uint16_t total_length = 0;
  bool first_of_several = false;
};

class ReferenceParser {
  using Bytes = std::span<const std::uint8_t>;
  using Kind = ipvs::engine::FrameKind;

 public:
  ReferenceFrame parse(Bytes bytes) {
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
    if (type == 0x0800) f.kind = v4(bytes.subspan(offset));
    if (type == 0x86dd) f.kind = v6(bytes.subspan(offset));
    return f;
  }

 private:
  Kind v4(Bytes packet) {
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
    if (!ip.ok || (version_length >> 4) != 4 || header < 20 || total < header || total > packet.size()) {
      return Kind::Malformed;
    }
    if (base::checksum_fold(base::checksum_add(0, packet.first(header))) != 0xffff) return Kind::Malformed;
    if (protocol != 1 && protocol != 6 && protocol != 17 && protocol != 58 && protocol != 132 && protocol != 50 &&
        protocol != 51)
      return Kind::Other;
    for (base::ByteReader options{packet.subspan(20, header - 20)}; options.left() > 0;) {
      const auto option = options.u8();
      if (option == 0) break;
      if (option == 1) continue;
      const auto length = options.u8();
      options.take(length < 2 ? 1000 : length - 2u);
      if (!options.ok) return Kind::Malformed;
      if (option == 131 || option == 137) return Kind::Options;
    }
    f.source = base::IpAddress::v4(source);
    f.destination = base::IpAddress::v4(destination);
    f.total_length = total;
    f.first_of_several = (fragment & 0x2000) != 0;
    if ((fragment & 0x1fff) != 0) return Kind::Fragment;
    return transport(protocol, packet.subspan(header, total - header), 1);
  }

  Kind v6(Bytes packet) {
    base::ByteReader ip{packet};
    const auto version = ip.u32() >> 28;
    const auto length = ip.u16();
    auto next = ip.u8();
    ip.u8();
    const auto source = ip.take(16);
    const auto destination = ip.take(16);
    if (!ip.ok || version != 6 || length > ip.left() || length > 65535 - 40) return Kind::Malformed;
    f.source = address(source);
    f.destination = address(destination);
    f.total_length = static_cast<std::uint16_t>(40 + length);
    base::ByteReader rest{packet.subspan(40, length)};
    for (int seen = 0; next == 0 || next == 43 || next == 44 || next == 60; ++seen) {
      if (seen == 4) return Kind::Options;
      const auto kind = next;
      next = rest.u8();
      const auto size = rest.u8();
      const auto field = rest.u16();
      rest.u32();
      if (kind != 44) rest.take(size * 8u);
      if (!rest.ok) return Kind::Malformed;
      if (kind == 43 && (field & 0xff) != 0) return Kind::Options;
      if (kind == 44) f.first_of_several = (field & 1) != 0;
      if (kind == 44 && (field & 0xfff8) != 0) return Kind::Fragment;
    }
    return transport(next, rest.take(rest.left()), 58);
  }

  Kind transport(std::uint8_t protocol, Bytes bytes, std::uint8_t icmp) {
    base::ByteReader t{bytes};
    if (protocol == icmp) {
      const auto type = t.u8();
      t.take(7);
      const bool error = icmp == 1 ? type == 3 || type == 4 || type == 11 : type >= 1 && type <= 4;
      return t.ok && error && !f.first_of_several ? Kind::IcmpError : Kind::Other;
    }
    if (protocol == 50 || protocol == 51) return bytes.size() < 8 ? Kind::Malformed : Kind::Ipsec;
    if (protocol != 6 && protocol != 17 && protocol != 132) return Kind::Other;
    f.source_port = t.u16();
    f.destination_port = t.u16();
    if (protocol == 132) {
      t.take(8);
      return t.ok ? Kind::Sctp : Kind::Malformed;
    }
    if (protocol == 17) {
      const auto length = t.u16();
      t.u16();
      return t.ok && length >= 8 && (length <= bytes.size() || f.first_of_several) ? Kind::Udp : Kind::Malformed;
    }
    t.take(8);
    const std::size_t header = (t.u8() >> 4) * 4u;
    t.take(7);
    return t.ok && header >= 20 && header <= bytes.size() ? Kind::Tcp : Kind::Malformed;
  }

  static base::IpAddress address(Bytes bytes) {
    std::array<std::uint8_t, 16> copy{};
    std::copy(bytes.begin(), bytes.end(), copy.begin());
    return base::IpAddress::v6(copy);
  }

  ReferenceFrame f;
};

inline ReferenceFrame reference_parse(std::span<const std::uint8_t> bytes) { return ReferenceParser{}.parse(bytes); }

// The engine's parser says the same, as far as a packet is its business.
inline bool agrees(std::span<const std::uint8_t> bytes) {
  using namespace ipvs::engine;
  const auto fast = ipvs::engine::parse(bytes);
  const auto slow = reference_parse(bytes);
  if (fast.kind != slow.kind) return false;
  if (!fast.has_ports() && slow.kind != FrameKind::Fragment) return true;
  if (to_address(fast.source) != slow.source || to_address(fast.destination) != slow.destination) return false;
  return fast.total_length == slow.total_length && fast.more_fragments == slow.first_of_several &&
         (slow.kind == FrameKind::Fragment || (swap_port(fast.source_port) == slow.source_port &&
                                               swap_port(fast.destination_port) == slow.destination_port));
}

}  // namespace lvsd::test

#include "ipvs/engine/frame.hpp"

#include <array>

#include "ipvs/engine/rewrite.hpp"

namespace lvsd::ipvs::engine {
namespace {

constexpr std::uint16_t kIpv4 = 0x0800;
constexpr std::uint16_t kIpv6 = 0x86dd;
constexpr std::uint16_t kVlan = 0x8100;
constexpr std::uint8_t kIcmp = 1;
constexpr std::uint8_t kTcp = 6;
constexpr std::uint8_t kUdp = 17;
constexpr std::uint8_t kIcmpv6 = 58;
constexpr std::uint8_t kSctp = 132;
constexpr std::size_t kMinimumIpHeader = 20;
constexpr std::size_t kIcmpHeader = 8;

using Bytes = std::span<const std::uint8_t>;

enum class Options : std::uint8_t { Harmless, SourceRoute, Malformed };

// RFC 791 §3.1: type and length octets; 0 ends the list, 1 is padding.
Options inspect_options(Bytes options) {
  constexpr std::uint8_t kEnd = 0;
  constexpr std::uint8_t kNoOperation = 1;
  constexpr std::uint8_t kLooseSourceRoute = 131;
  constexpr std::uint8_t kStrictSourceRoute = 137;
  while (!options.empty()) {
    const auto type = options[0];
    if (type == kEnd) break;
    if (type == kNoOperation) {
      options = options.subspan(1);
      continue;
    }
    if (options.size() < 2 || options[1] < 2 || options[1] > options.size()) return Options::Malformed;
    if (type == kLooseSourceRoute || type == kStrictSourceRoute) return Options::SourceRoute;
    options = options.subspan(options[1]);
  }
  return Options::Harmless;
}

struct Start {
  std::size_t at = 0;  // of the IP header
  std::uint16_t type = 0;
};

// Type 0 where the frame is not for us. Only a priority tag (VLAN 0, IEEE 802.1Q §9.6) is looked through: another VLAN
// is another network, with an interface of its own.
Start find_ip(Bytes bytes) {
  if (bytes.size() < kEthernetHeader || (bytes[0] & 1) != 0) return {};  // a group address is not for us
  Start start{kEthernetHeader, load16_host(&bytes[12])};
  if (start.type == kVlan && bytes.size() >= kEthernetHeader + 4 && (load16_host(&bytes[14]) & 0x0fff) == 0) {
    start.type = load16_host(&bytes[16]);
    start.at += 4;
  }
  return start;
}

bool is_icmp_error(const Frame& frame, std::uint8_t type) {
  // Destination unreachable, source quench, time exceeded: those that the kernel's IPVS forwards. ICMPv6: RFC 4443
  // §2.1.
  return frame.v6 ? type >= 1 && type <= 4 : type == 3 || type == 4 || type == 11;
}

FrameKind parse_icmp(Frame& frame, Bytes transport) {
  if (transport.size() < kIcmpHeader) return FrameKind::Other;
  return is_icmp_error(frame, transport[0]) && !frame.more_fragments ? FrameKind::IcmpError : FrameKind::Other;
}

FrameKind parse_tcp(Frame& frame, Bytes transport) {
  if (transport.size() < 20) return FrameKind::Malformed;
  const std::size_t header = std::size_t{transport[12]} >> 4 << 2;
  if (header < 20 || header > transport.size()) return FrameKind::Malformed;
  frame.tcp_flags = transport[13];
  return FrameKind::Tcp;
}

FrameKind parse_udp(const Frame& frame, Bytes transport) {
  if (transport.size() < 8) return FrameKind::Malformed;
  const auto length = load16_host(&transport[4]);
  const bool whole = length <= transport.size() || frame.more_fragments;
  return length < 8 || !whole ? FrameKind::Malformed : FrameKind::Udp;
}

// `transport`: what the packet has of it.
FrameKind parse_transport(Frame& frame, Bytes transport) {
  if (frame.protocol == (frame.v6 ? kIcmpv6 : kIcmp)) return parse_icmp(frame, transport);
  if (is_ipsec(frame.protocol)) return transport.size() < 8 ? FrameKind::Malformed : FrameKind::Ipsec;
  auto kind = FrameKind::Other;
  if (frame.protocol == kTcp) kind = parse_tcp(frame, transport);
  if (frame.protocol == kUdp) kind = parse_udp(frame, transport);
  if (frame.protocol == kSctp) kind = transport.size() < 12 ? FrameKind::Malformed : FrameKind::Sctp;
  if (kind < FrameKind::Tcp) return kind;
  frame.source_port = load16(&transport[0]);
  frame.destination_port = load16(&transport[2]);
  return kind;
}

bool is_transport(std::uint8_t protocol) {
  return protocol == kTcp || protocol == kUdp || protocol == kSctp || protocol == kIcmp || protocol == kIcmpv6 ||
         is_ipsec(protocol);
}

// Version, lengths and header checksum hold. `whole`: the packet must be there to its end.
bool read_ipv4_header(Frame& frame, Bytes packet, bool whole) {
  if (packet.size() < kMinimumIpHeader || (packet[0] >> 4) != 4) return false;
  frame.ip_header = static_cast<std::uint16_t>((packet[0] & 0x0f) << 2);
  frame.total_length = load16_host(&packet[2]);
  if (frame.ip_header < kMinimumIpHeader || frame.ip_header > packet.size() || frame.total_length < frame.ip_header) {
    return false;
  }
  if (whole && frame.total_length > packet.size()) return false;
  frame.protocol = packet[9];
  frame.source = WireAddress::v4(load32(&packet[12]));
  frame.destination = WireAddress::v4(load32(&packet[16]));
  return true;
}

FrameKind parse_ipv4(Frame& frame, Bytes packet) {
  if (!read_ipv4_header(frame, packet, true)) return FrameKind::Malformed;
  if (fold(add_words(0, packet.first(frame.ip_header))) != 0xffff) return FrameKind::Malformed;
  if (!is_transport(frame.protocol)) return FrameKind::Other;
  if (frame.ip_header > kMinimumIpHeader) {
    const auto options = inspect_options(packet.subspan(kMinimumIpHeader, frame.ip_header - kMinimumIpHeader));
    if (options == Options::Malformed) return FrameKind::Malformed;
    if (options == Options::SourceRoute) return FrameKind::Options;
  }
  const auto fragment = load16_host(&packet[6]);
  frame.more_fragments = (fragment & 0x2000) != 0;
  if ((fragment & 0x3fff) != 0) frame.fragment_id = load16(&packet[4]);
  if ((fragment & 0x1fff) != 0) return FrameKind::Fragment;
  return parse_transport(frame, packet.subspan(frame.ip_header, frame.transport_length()));
}

enum class Chain : std::uint8_t { Transport, Later, TooLong, Malformed, Other };

// RFC 8200 §4. Ends at the transport header, whose offset within `packet` is frame.ip_header then. A routing header
// with segments left is a source route; this host is not its destination anyway.
Chain follow_extensions(Frame& frame, Bytes packet) {
  constexpr std::uint8_t kHopByHop = 0, kRouting = 43, kFragment = 44, kDestination = 60;
  std::uint8_t next = packet[6];
  for (int seen = 0;; ++seen) {
    const bool known = next == kHopByHop || next == kRouting || next == kFragment || next == kDestination;
    frame.protocol = next;
    if (!known) return is_transport(next) && next != kIcmp ? Chain::Transport : Chain::Other;
    if (seen == kExtensionLimit) return Chain::TooLong;
    if (packet.size() < frame.ip_header + 8u) return Chain::Malformed;
    const auto header = packet.subspan(frame.ip_header);
    const auto length = next == kFragment ? 8u : (header[1] + 1u) * 8u;
    if (header.size() < length) return Chain::Malformed;
    if (next == kRouting && header[3] != 0) return Chain::TooLong;
    frame.ip_header = static_cast<std::uint16_t>(frame.ip_header + length);
    if (next == kFragment) {
      const auto field = load16_host(&header[2]);
      frame.more_fragments = (field & 1) != 0;
      if ((field & 0xfff9) != 0) frame.fragment_id = load32(&header[4]);
      if ((field & 0xfff8) != 0) {
        frame.protocol = header[0];
        return Chain::Later;
      }
    }
    next = header[0];
  }
}

bool read_ipv6_header(Frame& frame, Bytes packet, bool whole) {
  if (packet.size() < kIpv6Header || (packet[0] >> 4) != 6) return false;
  const auto length = kIpv6Header + std::uint32_t{load16_host(&packet[4])};
  if (length > 0xffff || (whole && length > packet.size())) return false;
  frame.v6 = true;
  frame.ip_header = kIpv6Header;
  frame.total_length = static_cast<std::uint16_t>(length);
  frame.source = WireAddress::load_v6(&packet[8]);
  frame.destination = WireAddress::load_v6(&packet[24]);
  return true;
}

FrameKind parse_ipv6(Frame& frame, Bytes packet) {
  if (!read_ipv6_header(frame, packet, true)) return FrameKind::Malformed;
  packet = packet.first(frame.total_length);
  switch (follow_extensions(frame, packet)) {
    case Chain::Transport:
      return parse_transport(frame, packet.subspan(frame.ip_header));
    case Chain::Later:
      return FrameKind::Fragment;
    case Chain::TooLong:
      return FrameKind::Options;
    case Chain::Malformed:
      return FrameKind::Malformed;
    case Chain::Other:
      break;
  }
  return FrameKind::Other;
}

// The first eight bytes of the transport header are enough here.
void read_quoted_transport(Frame& frame, Bytes transport) {
  if (is_ipsec(frame.protocol)) frame.kind = FrameKind::Ipsec;
  if (frame.protocol != kTcp && frame.protocol != kUdp && frame.protocol != kSctp) return;
  frame.kind = frame.protocol == kTcp ? FrameKind::Tcp : frame.protocol == kUdp ? FrameKind::Udp : FrameKind::Sctp;
  frame.source_port = load16(&transport[0]);
  frame.destination_port = load16(&transport[2]);
}

}  // namespace

void parse(Bytes bytes, Frame& frame) noexcept {
  frame = Frame{};
  const auto start = find_ip(bytes);
  frame.ip = static_cast<std::uint16_t>(start.at == 0 ? kEthernetHeader : start.at);
  if (start.type == kIpv4) frame.kind = parse_ipv4(frame, bytes.subspan(start.at));
  if (start.type == kIpv6) frame.kind = parse_ipv6(frame, bytes.subspan(start.at));
}

std::optional<Frame> parse_quoted(Bytes bytes, const Frame& error) noexcept {
  const auto at = error.transport() + kIcmpHeader;
  const auto end = std::size_t{error.ip} + error.total_length;
  if (end > bytes.size() || at >= end) return std::nullopt;
  const auto packet = bytes.subspan(at, end - at);
  Frame frame;
  frame.ip = static_cast<std::uint16_t>(at);
  if (error.v6) {
    if (!read_ipv6_header(frame, packet, false) || follow_extensions(frame, packet) == Chain::Later)
      return std::nullopt;
  } else if (!read_ipv4_header(frame, packet, false) || (load16_host(&packet[6]) & 0x1fff) != 0) {
    return std::nullopt;
  }
  if (packet.size() < frame.ip_header + 8u) return std::nullopt;
  read_quoted_transport(frame, packet.subspan(frame.ip_header));
  return frame;
}

bool is_impossible_source(const WireAddress& address, bool v6) noexcept {
  if (v6) {
    std::array<std::uint8_t, 16> bytes{};
    address.store_v6(bytes.data());
    const bool link_local = bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;
    const bool low = address.high == 0 && load32(&bytes[8]) == 0;  // ::/96
    return bytes[0] == 0xff || link_local || low || address.is_v4();
  }
  const auto host = swap_address(address.v4());
  const auto first = host >> 24;
  return first == 0 || first == 127 || (first >= 224 && first < 240) || host == 0xffffffff;
}

}  // namespace lvsd::ipvs::engine

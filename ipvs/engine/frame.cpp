#include "ipvs/engine/frame.hpp"

#include "ipvs/engine/rewrite.hpp"

namespace lvsd::ipvs::engine {
namespace {

constexpr std::uint16_t kIpv4 = 0x0800;
constexpr std::uint16_t kVlan = 0x8100;
constexpr std::uint8_t kTcp = 6;
constexpr std::uint8_t kUdp = 17;
constexpr std::size_t kMinimumIpHeader = 20;

enum class Options : std::uint8_t { Harmless, SourceRoute, Malformed };

// RFC 791 §3.1: type and length octets; 0 ends the list, 1 is padding.
Options inspect_options(std::span<const std::uint8_t> options) {
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

// Offset of the IPv4 header, or 0 where the frame is not for us. Only a priority tag (VLAN 0, IEEE 802.1Q §9.6) is
// looked through: another VLAN is another network, with an interface of its own.
std::size_t find_ipv4(std::span<const std::uint8_t> bytes) {
  if (bytes.size() < kEthernetHeader || (bytes[0] & 1) != 0) return 0;  // a group address is not for us
  std::size_t at = kEthernetHeader;
  auto type = load16_host(&bytes[12]);
  if (type == kVlan && bytes.size() >= kEthernetHeader + 4 && (load16_host(&bytes[14]) & 0x0fff) == 0) {
    type = load16_host(&bytes[16]);
    at += 4;
  }
  return type == kIpv4 ? at : 0;
}

FrameKind parse_transport(Frame& frame, const std::uint8_t* transport, std::size_t length) {
  const bool tcp = frame.protocol == kTcp;
  if (length < (tcp ? 20u : 8u)) return FrameKind::Malformed;
  frame.source_port = load16(transport);
  frame.destination_port = load16(transport + 2);
  if (tcp) {
    const std::size_t header = std::size_t{transport[12]} >> 4 << 2;
    if (header < 20 || header > length) return FrameKind::Malformed;
    frame.tcp_flags = transport[13];
    return FrameKind::Tcp;
  }
  const auto udp_length = load16_host(transport + 4);
  return udp_length < 8 || udp_length > length ? FrameKind::Malformed : FrameKind::Udp;
}

FrameKind parse_ipv4(Frame& frame, std::span<const std::uint8_t> packet) {
  if (packet.size() < kMinimumIpHeader || (packet[0] >> 4) != 4) return FrameKind::Malformed;
  frame.ip_header = static_cast<std::uint8_t>((packet[0] & 0x0f) << 2);
  frame.total_length = load16_host(&packet[2]);
  if (frame.ip_header < kMinimumIpHeader || frame.total_length < frame.ip_header ||
      frame.total_length > packet.size()) {
    return FrameKind::Malformed;
  }
  if (fold(add_words(0, packet.first(frame.ip_header))) != 0xffff) return FrameKind::Malformed;
  frame.protocol = packet[9];
  frame.source = load32(&packet[12]);
  frame.destination = load32(&packet[16]);
  if (frame.protocol != kTcp && frame.protocol != kUdp) return FrameKind::Other;
  if (frame.ip_header > kMinimumIpHeader) {
    const auto options = inspect_options(packet.subspan(kMinimumIpHeader, frame.ip_header - kMinimumIpHeader));
    if (options == Options::Malformed) return FrameKind::Malformed;
    if (options == Options::SourceRoute) return FrameKind::Options;
  }
  if ((load16_host(&packet[6]) & 0x3fff) != 0) return FrameKind::Fragment;  // more fragments, or an offset
  return parse_transport(frame, &packet[frame.ip_header], frame.transport_length());
}

}  // namespace

Frame parse(std::span<const std::uint8_t> bytes) noexcept {
  Frame frame;
  const auto at = find_ipv4(bytes);
  if (at == 0) return frame;
  frame.ip = static_cast<std::uint8_t>(at);
  frame.kind = parse_ipv4(frame, bytes.subspan(at));
  return frame;
}

}  // namespace lvsd::ipvs::engine

#include "ipvs/engine/packet_text.hpp"

#include <array>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "ipvs/engine/frame.hpp"

namespace lvsd::ipvs::engine {
namespace {

std::string_view protocol_name(std::uint8_t protocol) {
  switch (protocol) {
    case 1:
      return "icmp";
    case 4:
      return "ipip";
    case 6:
      return "tcp";
    case 17:
      return "udp";
    case 41:
      return "ipv6";
    case 47:
      return "gre";
    case 50:
      return "esp";
    case 51:
      return "ah";
    case 58:
      return "icmp6";
    case 132:
      return "sctp";
    default:
      return "";
  }
}

std::string flags_of(std::uint8_t flags) {
  constexpr std::array<std::pair<std::uint8_t, std::string_view>, 5> kNames{
      {{kTcpSyn, "SYN"}, {kTcpFin, "FIN"}, {kTcpRst, "RST"}, {0x08, "PSH"}, {kTcpAck, "ACK"}}};
  std::string out;
  for (const auto& [bit, name] : kNames) {
    if ((flags & bit) == 0) continue;
    if (!out.empty()) out += '+';
    out += name;
  }
  return out;
}

std::string ends_of(const Frame& frame) {
  const auto protocol = protocol_name(frame.protocol);
  const auto name = protocol.empty() ? fmt::format("protocol {}", frame.protocol) : std::string{protocol};
  if (!frame.has_ports()) {
    return fmt::format("{} {} > {}", name, to_address(frame.source).to_string(),
                       to_address(frame.destination).to_string());
  }
  return fmt::format("{} {} > {}", name, to_endpoint(frame.source, frame.source_port).to_string(),
                     to_endpoint(frame.destination, frame.destination_port).to_string());
}

// Bytes behind the transport header.
std::uint32_t payload_of(std::span<const std::uint8_t> bytes, const Frame& frame) {
  if (frame.kind == FrameKind::Udp) return frame.transport_length() - 8;
  if (frame.kind == FrameKind::Sctp) return frame.transport_length() - 12;
  return frame.transport_length() - (std::uint32_t{bytes[frame.transport() + 12]} >> 4 << 2);
}

std::string describe_packet(std::span<const std::uint8_t> bytes, const Frame& frame) {
  auto out = ends_of(frame);
  if (frame.kind == FrameKind::Fragment) return out + ", later fragment";
  if (frame.kind == FrameKind::IcmpError) {
    out += fmt::format(" type {} code {}", bytes[frame.transport()], bytes[frame.transport() + 1]);
    const auto quoted = parse_quoted(bytes, frame);
    return quoted ? out + " about " + ends_of(*quoted) : out;
  }
  if (!frame.has_ports()) return out;
  if (frame.kind == FrameKind::Tcp) out += ' ' + flags_of(frame.tcp_flags);
  out += fmt::format(", {} bytes", payload_of(bytes, frame));
  return frame.more_fragments ? out + ", first fragment" : out;
}

}  // namespace

std::string describe_frame(std::span<const std::uint8_t> bytes) {
  const auto frame = parse(bytes);
  switch (frame.kind) {
    case FrameKind::Malformed:
      return "malformed";
    case FrameKind::Options:
      return ends_of(frame) + ", options";
    case FrameKind::Other:
      break;
    default:
      return describe_packet(bytes, frame);
  }
  if (frame.total_length != 0) return ends_of(frame);
  if (bytes.size() < kEthernetHeader) return "shorter than an Ethernet header";
  const auto type = load16_host(&bytes[12]);
  return type == 0x0806 ? std::string{"arp"} : fmt::format("Ethernet type 0x{:04x}", type);
}

std::string describe_verdict(const Verdict& verdict, const std::function<std::string(std::uint32_t)>& interface_name) {
  const bool sends = verdict.action == Action::Send || verdict.action == Action::AwaitNextHop;
  if (sends && verdict.reason != DropReason::None) return fmt::format("answered: {}", name(verdict.reason));
  switch (verdict.action) {
    case Action::Send:
      return fmt::format("sent through {} to {}", interface_name(verdict.interface), verdict.next_hop.to_string());
    case Action::AwaitNextHop:
      return fmt::format("waits for {} to answer on {}", verdict.next_hop.to_string(),
                         interface_name(verdict.interface));
    case Action::ToKernel:
      return "left to the kernel";
    case Action::HandOver:
      return fmt::format("handed over to worker {}", verdict.worker);
    case Action::Drop:
      break;
  }
  if (verdict.reason == DropReason::None) return "held until its first fragment comes";
  return fmt::format("dropped: {}", name(verdict.reason));
}

}  // namespace lvsd::ipvs::engine

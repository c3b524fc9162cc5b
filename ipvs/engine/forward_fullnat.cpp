// Method fullnat: the server sees the director's local address. Where the server is to learn its client,
// what is put into the client's packets and hidden from its view of the replies.
#include "ipvs/engine/client_notice.hpp"
#include "ipvs/engine/forwarder.hpp"
#include "ipvs/engine/rewrite.hpp"
#include "ipvs/engine/tcp_edit.hpp"

namespace lvsd::ipvs::engine {
namespace {

// So many packets of a client carry the option, unless the server speaks before: it may miss the first.
constexpr std::uint32_t kOptionPackets = 16;

bool is_syn(const Frame& frame) { return (frame.tcp_flags & kTcpSyn) != 0; }
bool is_reset(const Frame& frame) { return (frame.tcp_flags & kTcpRst) != 0; }
Segment segment_of(const Frame& frame) { return {frame.ip, frame.transport()}; }

std::uint32_t payload_length(const std::uint8_t* data, const Frame& frame) {
  return frame.transport_length() - tcp_header_length(data + frame.transport());
}

std::uint16_t notice_size(const Connection& c) {
  const auto how = (c.flags & Connection::kProxied) != 0 ? ClientAddress::ProxyProtocol : ClientAddress::Toa;
  return ClientNotice::size_of(how, c.v6() ? base::Family::V6 : base::Family::V4);
}

}  // namespace

Verdict Forwarder::send_fullnat(Packet& packet, const Frame& frame, Connection& c, const NextHop& hop) noexcept {
  const auto notice = notice_for(packet, frame, c);
  const auto verdict = route(packet, frame, hop, frame.destination, notice.size());
  if (verdict.action != Action::Send || verdict.reason != DropReason::None) return verdict;
  rewrite_to_server(packet, frame, c);
  return give_notice(packet, frame, c, notice) ? send(packet, hop) : drop(DropReason::NoRoom);
}

// The option goes with the handshake, which may be repeated, until the server has spoken. The PROXY header goes before
// the client's first byte, also with an empty segment, until the server has acknowledged it.
ClientNotice Forwarder::notice_for(const Packet& packet, const Frame& frame, Connection& c) const noexcept {
  if ((c.flags & Connection::kNotice) == 0 || frame.kind != FrameKind::Tcp || frame.is_fragment() || is_reset(frame))
    return {};
  const auto ends = state_.connections.ends(c);
  const auto client = to_endpoint(ends.client, c.client_port);
  if ((c.flags & Connection::kProxied) == 0) {
    if (c.in_packets >= kOptionPackets) c.flags &= static_cast<std::uint16_t>(~Connection::kNotice);
    return ClientNotice::option(client);
  }
  const auto sequence = load32_host(packet.data + frame.transport() + 4);
  if (is_syn(frame)) {
    c.first_sequence = sequence + 1;
    if (payload_length(packet.data, frame) == 0) return {};
  } else if (sequence != c.first_sequence) {
    return {};
  }
  return ClientNotice::proxy_header(client, to_endpoint(ends.virtual_address, c.virtual_port));
}

// False where the packet cannot go without it.
bool Forwarder::give_notice(Packet& packet, const Frame& frame, const Connection& c,
                            const ClientNotice& notice) noexcept {
  if (frame.kind != FrameKind::Tcp) return true;
  const auto segment = segment_of(frame);
  if ((c.flags & Connection::kProxied) == 0) {
    if (notice.size() != 0) insert_option(packet, segment, notice.bytes());  // without room the server goes without
    return true;
  }
  if (notice.size() != 0) return insert_payload(packet, segment, notice.bytes());
  const auto sequence = load32_host(packet.data + segment.tcp + 4);
  const bool unknown = is_reset(frame) && sequence == c.first_sequence && (c.flags & Connection::kNotice) != 0;
  if (!is_syn(frame) && !unknown) set_sequence(packet.data, segment, sequence + notice_size(c));
  return true;
}

// The reply as it looks to a client whose packets had nothing added. Its segments get room for what is added later.
void Forwarder::hide_notice(Packet& packet, const Frame& frame, Connection& c) const noexcept {
  constexpr std::uint16_t kEither = Connection::kNotice | Connection::kProxied;
  if (frame.kind != FrameKind::Tcp || (c.flags & kEither) == 0) return;
  const auto segment = segment_of(frame);
  const auto size = notice_size(c);
  if (is_syn(frame)) lower_mss(packet.data, segment, size);
  const auto clear = static_cast<std::uint16_t>(~Connection::kNotice);
  if ((c.flags & Connection::kProxied) == 0) {
    if (payload_length(packet.data, frame) > 0) c.flags &= clear;
    return;
  }
  const auto acknowledged = load32_host(packet.data + segment.tcp + 8);
  const bool has_header = !is_before(acknowledged, c.first_sequence + size);
  if ((frame.tcp_flags & kTcpAck) != 0 && has_header) c.flags &= clear;
  shorten_acknowledgement(packet.data, segment, c.first_sequence, size);
}

}  // namespace lvsd::ipvs::engine

// Which worker a packet is for. Nothing is looked up, with one exception: later fragments of a reply under fullnat name
// neither the client nor the local port, so a worker that is found by the server's address remembers whose the first
// one was.
#include "ipvs/engine/forwarder.hpp"
#include "ipvs/engine/tunnel_error.hpp"

namespace lvsd::ipvs::engine {

namespace {

// AH and ESP belong to the UDP connection on which the hosts exchange their keys (related.cpp).
std::uint8_t protocol_of(const Frame& frame) {
  return is_ipsec(frame.protocol) ? static_cast<std::uint8_t>(Protocol::Udp) : frame.protocol;
}

}  // namespace

unsigned Forwarder::owner(const Packet& packet, const Frame& frame) const noexcept {
  const auto& division = state_.division;
  if (packet.hops >= Division::kMostHops) return division.mine();
  switch (frame.kind) {
    case FrameKind::Other:
    case FrameKind::Malformed:
    case FrameKind::Options:
      return division.mine();
    case FrameKind::IcmpError:
      return owner_of_error(packet, frame);
    case FrameKind::Fragment:
    case FrameKind::Ipsec:
    case FrameKind::Tcp:
    case FrameKind::Udp:
    case FrameKind::Sctp:
      break;
  }
  if (state_.is_virtual(frame.destination)) return division.of_client(protocol_of(frame), frame.source);
  if (frame.is_fragment() && division.is_local(frame.destination)) return owner_of_local_fragment(packet, frame);
  return owner_of_end(frame, frame.destination, frame.destination_port);
}

// Of what a server talks to: the client, or a local address that stands for it.
unsigned Forwarder::owner_of_end(const Frame& frame, const WireAddress& address, std::uint16_t port) const noexcept {
  const auto& division = state_.division;
  return division.is_local(address) ? division.of_local_port(port) : division.of_client(protocol_of(frame), address);
}

// One that was handed over by the worker which remembers has arrived.
unsigned Forwarder::owner_of_local_fragment(const Packet& packet, const Frame& frame) const noexcept {
  const auto& division = state_.division;
  const auto remembers = division.of_client(frame.protocol, frame.source);
  if (remembers != division.mine()) return packet.hops == 0 ? remembers : division.mine();
  if (frame.has_ports()) {
    const auto tuple = Tuple::make(Tuple::Direction::Reply, frame.protocol, frame.destination, frame.destination_port,
                                   frame.source, frame.source_port);
    state_.fragments.remember(frame, tuple, state_.now);
    return division.of_local_port(frame.destination_port);
  }
  const auto* first = state_.fragments.find(frame, state_.now);
  return first == nullptr ? division.mine() : division.of_local_port(static_cast<std::uint16_t>(first->rest));
}

unsigned Forwarder::owner_of_error(const Packet& packet, const Frame& frame) const noexcept {
  const auto& division = state_.division;
  if (const auto inner = quoted_in_tunnel(packet, frame)) return division.of_client(inner->protocol, inner->source);
  const auto quoted = parse_quoted({packet.data, packet.length}, frame);
  if (!quoted || quoted->kind == FrameKind::Other) return division.mine();
  if (state_.is_virtual(quoted->source)) return division.of_client(protocol_of(*quoted), quoted->destination);
  return owner_of_end(*quoted, quoted->source, quoted->source_port);
}

}  // namespace lvsd::ipvs::engine

#include "ipvs/engine/offload.hpp"

#include <algorithm>
#include <cstring>

#include "ipvs/engine/rewrite.hpp"

namespace lvsd::ipvs::engine {
namespace {

// A UDP client may never come again; a TCP client has shaken hands.
constexpr std::uint32_t kUdpPackets = 4;
// So long unused, a flow has no need of its place; and so long where there are few places left. Milliseconds.
constexpr std::int32_t kIdle = 60'000;
constexpr std::int32_t kIdleWhenFull = 2'000;

struct Rewrite {
  WireAddress source, destination, new_source, new_destination;
  std::uint16_t ports[2];
  std::uint16_t new_ports[2];
};

Rewrite rewrite_of(const Connection& c, const Ends& ends, std::uint8_t direction) {
  const bool local = c.fullnat();
  const auto& seen = local ? ends.local : ends.client;  // by the server
  const auto seen_port = local ? c.local_port : c.client_port;
  if (direction == FAST_REPLY) {
    return {ends.server,
            seen,
            ends.virtual_address,
            ends.client,
            {c.server_port, seen_port},
            {c.virtual_port, c.client_port}};
  }
  Rewrite r{ends.client,
            ends.virtual_address,
            ends.client,
            ends.virtual_address,
            {c.client_port, c.virtual_port},
            {c.client_port, c.virtual_port}};
  if (!c.nat()) return r;
  r.new_source = seen;
  r.new_destination = ends.server;
  r.new_ports[0] = seen_port;
  r.new_ports[1] = c.server_port;
  return r;
}

void replace(ChecksumChange& change, const WireAddress& before, const WireAddress& after) {
  if (before.is_v4()) return change.replace32(before.v4(), after.v4());
  std::uint8_t old_bytes[16], new_bytes[16];
  before.store_v6(old_bytes);
  after.store_v6(new_bytes);
  change.replace128(old_bytes, new_bytes);
}

// What a decremented time to live does to the header checksum: the same whatever it was.
void replace_ttl(ChecksumChange& change) {
  constexpr std::uint8_t kBefore[2] = {2, 0};
  constexpr std::uint8_t kAfter[2] = {1, 0};
  change.replace16(load16(kBefore), load16(kAfter));
}

void write_address(std::uint32_t& v4, std::uint32_t (&v6)[4], const WireAddress& address) {
  if (address.is_v4()) {
    v4 = address.v4();
    return;
  }
  std::uint8_t bytes[16];
  address.store_v6(bytes);
  std::memcpy(v6, bytes, sizeof bytes);
}

}  // namespace

fast_flow make_flow(const Connection& c, const Ends& ends, std::uint8_t direction, const NextHop& hop) {
  fast_flow flow{};
  const auto r = rewrite_of(c, ends, direction);
  write_address(flow.source, flow.source6, r.source);
  write_address(flow.destination, flow.destination6, r.destination);
  write_address(flow.new_source, flow.new_source6, r.new_source);
  write_address(flow.new_destination, flow.new_destination6, r.new_destination);
  std::copy_n(r.ports, 2, flow.ports);
  std::copy_n(r.new_ports, 2, flow.new_ports);
  ChecksumChange addresses;
  replace(addresses, r.source, r.new_source);
  replace(addresses, r.destination, r.new_destination);
  auto all = addresses;
  replace_ttl(addresses);
  flow.ip_change = addresses.folded();
  for (int i = 0; i < 2; ++i) all.replace16(r.ports[i], r.new_ports[i]);
  flow.transport_change = all.folded();
  flow.interface = hop.interface;
  flow.mtu = static_cast<std::uint16_t>(std::min(hop.mtu, 0xffffu));
  std::memcpy(flow.macs, hop.destination.bytes.data(), 6);
  std::memcpy(flow.macs + 6, hop.source.bytes.data(), 6);
  flow.protocol = c.protocol;
  flow.kind = r.source.is_v4() ? FAST_V4 : FAST_V6;
  flow.direction = direction & 1;
  flow.rewrites = c.nat() ? 1 : 0;
  return flow;
}

void Offload::enable(bool on) {
  if (on != enabled_) check_again();
  enabled_ = on;
}

bool Offload::is_worth_it(const Connection& c) const noexcept {
  return c.protocol == static_cast<std::uint8_t>(Protocol::Tcp) || c.in_packets >= kUdpPackets;
}

// Every packet that the program lets through would change nothing here but times and counts.
bool Offload::may_pass(const Connection& c) const noexcept {
  constexpr std::uint16_t kNeverAlone =
      Connection::kFtp | Connection::kNotice | Connection::kProxied | Connection::kTemplate | Connection::kOnePacket;
  const auto& server = state_.services.server(c.server);
  if (!enabled_ || (c.flags & kNeverAlone) != 0 || c.sequence != 0 || server.tunnelled) return false;
  if (!server.service->config.options.fast_path || server.service->removed) return false;
  if (c.protocol == static_cast<std::uint8_t>(Protocol::Tcp)) {
    return c.state == State::Established && !(server.draining && state_.policy.expire_nodest_conn);
  }
  if (c.protocol != static_cast<std::uint8_t>(Protocol::Udp)) return false;
  const bool answered = !c.nat() || (c.flags & Connection::kReplied) != 0;
  return c.state == State::Udp && answered && !server.draining && !server.config.down;
}

NextHop Offload::way_of(const Connection& c, std::uint8_t direction) const noexcept {
  if (direction == FAST_REPLY) return state_.next_hops.find(to_address(state_.connections.ends(c).client));
  const auto server = to_address(state_.services.server(c.server).address);
  return c.nat() ? state_.next_hops.find(server) : state_.next_hops.find_on_link(server);
}

void Offload::write_down(Connection& c, std::uint8_t direction, const NextHop& hop) noexcept {
  const auto ends = state_.connections.ends(c);
  state_.fast.add(c, make_flow(c, ends, direction, hop));
}

bool Offload::is_right(const Connection& c, const fast_flow& flow) const noexcept {
  if (!may_pass(c)) return false;
  if (flow.direction == FAST_REPLY && !c.has_reply_key()) return false;
  const auto hop = way_of(c, flow.direction);
  const auto* out = state_.next_hops.interface(hop.interface);
  if (hop.kind != NextHop::Kind::Resolved || out == nullptr || !out->engine) return false;
  const auto now = make_flow(c, state_.connections.ends(c), flow.direction, hop);
  return std::memcmp(&now, &flow, offsetof(fast_flow, counted)) == 0 &&
         std::memcmp(now.source6, flow.source6, sizeof flow.source6 * 4) == 0;
}

void Offload::visit(std::uint32_t number, UsedNextHops& used) noexcept {
  const bool compare = to_check_ != 0;
  if (compare) --to_check_;
  if (!state_.fast.flows().is_in_force(number)) return;
  const auto& flow = state_.fast.flows().at(number);
  if (state_.fast.collect(number)) used.mark(flow.interface, flow.macs);
  const auto* c = state_.fast.owner(number);
  if (c == nullptr) return state_.fast.remove(number);
  const auto idle = state_.fast.flows().nearly_full() ? kIdleWhenFull : kIdle;
  if (idle_milliseconds(*c, state_.now) >= idle || (compare && !is_right(*c, flow))) {
    state_.fast.remove(number);
  }
}

void Offload::keep(std::size_t budget, UsedNextHops& used) noexcept {
  if (!state_.fast.has_memory()) return;
  if (generation_ != state_.next_hops.generation()) {
    generation_ = state_.next_hops.generation();
    check_again();
  }
  const auto end = state_.fast.flows().end();
  for (auto left = std::min<std::size_t>(budget, end - 1); left > 0; --left) {
    if (next_ >= end) next_ = 1;
    visit(next_++, used);
  }
}

}  // namespace lvsd::ipvs::engine

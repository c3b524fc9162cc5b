#include "ipvs/engine/fast_connections.hpp"

#include <algorithm>

namespace lvsd::ipvs::engine {

void FastConnections::use(const FastMemory& memory, std::uint64_t seed) {
  constexpr auto kNeither = static_cast<std::uint16_t>(~(Connection::kFastInbound | Connection::kFastReply));
  for (auto& c : connections_.all().first(connections_.used())) c.flags &= kNeither;
  if (memory.flows.empty()) return;
  flows_ = FastFlows{memory, seed};
  owners_.resize(memory.flows.size());
  numbers_.resize(connections_.all().size());
  for (std::uint32_t number = 1; number < flows_.end(); ++number) {
    if (!flows_.is_in_force(number)) continue;
    const auto tuple = tuple_of(flows_.at(number));
    auto* c = connections_.find(tuple, connections_.hash(tuple));
    if (c == nullptr || !c->has_inbound_key()) {
      flows_.remove(number);
      continue;
    }
    take(*c, number);
    collect(number);
  }
}

void FastConnections::take(Connection& c, std::uint32_t number) {
  const auto direction = flows_.at(number).direction;
  c.flags |= fast_flag(direction);
  number_of(c, direction) = number;
  owners_[number] = {connections_.number(c) + 1, c.server};
  ++services_.server(c.server).fast_flows;
}

void FastConnections::add(Connection& c, const fast_flow& flow) {
  const auto number = flows_.add(flow);
  if (number != FastFlows::kNone) take(c, number);
}

Connection* FastConnections::owner(std::uint32_t number) {
  const auto connection = owners_[number].connection;
  return connection == 0 ? nullptr : &connections_.at(connection - 1);
}

void FastConnections::remove(std::uint32_t number) {
  if (!flows_.is_in_force(number)) return;
  flows_.remove(number);
  collect(number);
  auto* c = owner(number);
  if (c == nullptr) return;
  c->flags &= static_cast<std::uint16_t>(~fast_flag(flows_.at(number).direction));
  owners_[number].connection = 0;
}

void FastConnections::forget(Connection& c) {
  for (const std::uint8_t direction : {FAST_INBOUND, FAST_REPLY}) {
    if ((c.flags & fast_flag(direction)) != 0) remove(number_of(c, direction));
  }
}

void FastConnections::collect(Connection& c) {
  for (const std::uint8_t direction : {FAST_INBOUND, FAST_REPLY}) {
    if ((c.flags & fast_flag(direction)) != 0) collect(number_of(c, direction));
  }
}

bool FastConnections::collect(std::uint32_t number) {
  const auto& [connection, slot] = owners_[number];
  const auto count = flows_.collect(number);
  if (count.packets == 0 || slot == kNoSlot) return false;
  const bool inbound = flows_.at(number).direction == FAST_INBOUND;
  auto& counters = *services_.server(slot).counters;
  (inbound ? counters.in_packets : counters.out_packets) += count.packets;
  (inbound ? counters.in_bytes : counters.out_bytes) += count.bytes;
  packets_ += count.packets;
  if (connection == 0) return true;
  auto& c = connections_.at(connection - 1);
  if (static_cast<std::int32_t>(count.last_seen - c.last_seen) > 0) c.last_seen = count.last_seen;
  constexpr std::uint64_t kMost = ~0u;
  if (inbound) c.in_packets = static_cast<std::uint32_t>(std::min(kMost, c.in_packets + count.packets));
  return true;
}

void FastConnections::collect_all() {
  for (std::uint32_t number = 1; number < flows_.end(); ++number) {
    if (flows_.is_in_force(number)) collect(number);
  }
}

void FastConnections::end_grace() {
  flows_.end_grace([this](std::uint32_t number) {
    collect(number);
    const auto slot = std::exchange(owners_[number], {}).slot;
    if (slot != kNoSlot) services_.reference_ended(services_.server(slot), &LiveServer::fast_flows);
  });
}

}  // namespace lvsd::ipvs::engine

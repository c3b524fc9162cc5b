#include "ipvs/engine/engine_state.hpp"

#include <algorithm>

#include "ipvs/engine/network_order.hpp"

namespace lvsd::ipvs::engine {

FlowKey flow_key(const Connection& c, const Ends& ends) {
  const bool local = (c.flags & Connection::kFullnat) != 0;
  return {static_cast<Protocol>(c.protocol), to_endpoint(ends.server, c.server_port),
          to_endpoint(local ? ends.local : ends.client, local ? c.local_port : c.client_port)};
}

EngineState::EngineState(std::span<std::byte> bytes, std::uint32_t max_connections, std::uint64_t seed)
    : memory{bytes, max_connections, seed}, services{memory}, connections{memory}, fragments{memory.seed} {
  for (const auto& c : connections.all().first(connections.used())) {
    if (c.is_free()) continue;
    auto& server = services.server(c.server);
    services.connection_began(server);
    if (is_active(c.state)) services.activity_changed(server, true);
  }
}

Connection* EngineState::begin(const Connection& connection, const Ends& ends) noexcept {
  auto* c = connections.insert(connection, ends);
  if (c == nullptr) return nullptr;
  auto& server = services.server(c->server);
  services.connection_began(server);
  ++server.counters->connections;
  if (c->nat()) flow_changes.push_back({FlowChange::Kind::Add, flow_key(*c, ends)});
  return c;
}

void EngineState::enter(Connection& connection, State state) noexcept {
  const bool before = is_active(connection.state);
  connection.state = state;
  if (before != is_active(state)) services.activity_changed(services.server(connection.server), !before);
}

void EngineState::end(Connection& connection) noexcept {
  if (connection.has_reply_key()) {
    flow_changes.push_back({FlowChange::Kind::Remove, flow_key(connection, connections.ends(connection))});
  }
  services.connection_ended(services.server(connection.server), is_active(connection.state));
  connections.remove(connection);
}

// Once for each connection. With DR and TUN replies do not come through here: nothing is known of them.
void EngineState::note_unanswered(Connection& c, std::uint32_t now) noexcept {
  constexpr std::uint16_t kTold = Connection::kReplied | Connection::kUnanswered;
  if (!c.nat() || (c.flags & kTold) != 0 || idle_milliseconds(c, now) < kUnansweredAfter) return;
  c.flags |= Connection::kUnanswered;
  ++services.server(c.server).unanswered;
}

void EngineState::expire(std::uint32_t now, std::size_t budget) noexcept {
  drops[static_cast<std::size_t>(DropReason::Fragment)] += fragments.give_up(now);
  const auto visits = std::min<std::size_t>(budget, connections.used());
  for (std::size_t i = 0; i < visits; ++i, ++expire_next_) {
    if (expire_next_ >= connections.used()) expire_next_ = 0;
    auto& c = connections.all()[expire_next_];
    if (c.is_free()) continue;
    note_unanswered(c, now);
    if (is_expired(c, now)) end(c);
  }
}

}  // namespace lvsd::ipvs::engine

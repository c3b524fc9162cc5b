#include "ipvs/engine/engine_state.hpp"

#include <algorithm>

#include "ipvs/engine/network_order.hpp"

namespace lvsd::ipvs::engine {

FlowKey flow_key(const Connection& c) {
  return {static_cast<Protocol>(c.protocol), to_endpoint(c.server_address, c.server_port),
          to_endpoint(c.client_address, c.client_port)};
}

EngineState::EngineState(std::span<std::byte> bytes, std::uint32_t max_connections, std::uint64_t seed)
    : memory{bytes, max_connections, seed}, services{memory}, connections{memory} {
  for (const auto& c : connections.all().first(connections.used())) {
    if (c.protocol == 0) continue;
    auto& server = services.server(c.server);
    services.connection_began(server);
    if (is_active(c.state)) services.activity_changed(server, true);
  }
}

Connection* EngineState::begin(const Connection& connection) noexcept {
  auto* c = connections.insert(connection);
  if (c == nullptr) return nullptr;
  auto& server = services.server(c->server);
  services.connection_began(server);
  ++server.counters->connections;
  if (c->nat()) flow_changes.push_back({FlowChange::Kind::Add, flow_key(*c)});
  return c;
}

void EngineState::enter(Connection& connection, State state) noexcept {
  const bool before = is_active(connection.state);
  connection.state = state;
  if (before != is_active(state)) services.activity_changed(services.server(connection.server), !before);
}

void EngineState::end(Connection& connection) noexcept {
  if (connection.nat() && (connection.flags & Connection::kNoReplyKey) == 0) {
    flow_changes.push_back({FlowChange::Kind::Remove, flow_key(connection)});
  }
  services.connection_ended(services.server(connection.server), is_active(connection.state));
  connections.remove(connection);
}

// Once for each connection. With DR and TUN replies do not come through here: nothing is known of them.
void EngineState::note_unanswered(Connection& c, std::uint32_t now) noexcept {
  constexpr std::uint8_t kTold = Connection::kReplied | Connection::kUnanswered;
  if (!c.nat() || (c.flags & kTold) != 0 || idle_milliseconds(c, now) < kUnansweredAfter) return;
  c.flags |= Connection::kUnanswered;
  ++services.server(c.server).unanswered;
}

void EngineState::expire(std::uint32_t now, std::size_t budget) noexcept {
  const auto visits = std::min<std::size_t>(budget, connections.used());
  for (std::size_t i = 0; i < visits; ++i, ++expire_next_) {
    if (expire_next_ >= connections.used()) expire_next_ = 0;
    auto& c = connections.all()[expire_next_];
    if (c.protocol == 0) continue;
    note_unanswered(c, now);
    if (is_expired(c, now)) end(c);
  }
}

}  // namespace lvsd::ipvs::engine

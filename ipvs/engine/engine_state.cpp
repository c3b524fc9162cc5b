#include "ipvs/engine/engine_state.hpp"

#include <algorithm>
#include <vector>

#include "ipvs/engine/network_order.hpp"

namespace lvsd::ipvs::engine {

FlowKey flow_key(const Connection& c, const Ends& ends) {
  const bool local = (c.flags & Connection::kFullnat) != 0;
  return {static_cast<Protocol>(c.protocol), to_endpoint(ends.server, c.server_port),
          to_endpoint(local ? ends.local : ends.client, local ? c.local_port : c.client_port)};
}

EngineState::EngineState(std::span<std::byte> bytes, std::uint32_t max_connections, std::uint64_t seed)
    : memory{bytes, max_connections, seed},
      services{memory},
      connections{memory},
      fast{services, connections},
      fragments{memory.seed} {
  if (memory.adopted) adopt();
}

// Counts, controllers and queues as the connections say, whatever the memory says of them. Until commands claim
// listeners, all that connections use linger.
void EngineState::adopt() noexcept {
  std::vector<Connection*> half_open;
  const auto all = connections.all().first(connections.used());
  constexpr auto kNotFast = static_cast<std::uint16_t>(~(Connection::kFastInbound | Connection::kFastReply));
  for (auto& c : all) {
    c.controlled = c.older = c.newer = 0;
    c.flags &= kNotFast;  // until their flows are taken up
  }
  for (auto& c : all) {
    if (c.is_free()) continue;
    const bool controlled = c.controller != 0 && !c.is_template() && c.controller <= all.size() &&
                            !all[c.controller - 1].is_free() && all[c.controller - 1].controller == 0;
    if (!controlled) c.controller = 0;
    if (controlled) ++all[c.controller - 1].controlled;
    auto& server = services.server(c.server);
    if (c.is_template()) {
      ++server.templates;
      continue;
    }
    if (c.fullnat()) local_addresses.insert(connections.ends(c).local);
    services.listener_index().linger(
        {static_cast<Protocol>(c.protocol), to_endpoint(connections.ends(c).virtual_address, c.virtual_port), 0});
    if (!c.has_inbound_key()) {
      ++server.one_packet;
      continue;
    }
    services.connection_began(server);
    if (is_active(c.state)) services.activity_changed(server, true);
    if (is_half_open(c.state)) half_open.push_back(&c);
  }
  std::ranges::stable_sort(half_open, [](const Connection* a, const Connection* b) {
    return static_cast<std::int32_t>(a->last_seen - b->last_seen) < 0;
  });
  for (auto* c : half_open) start_half_open(*c);
  services.listeners_changed();
}

Connection* EngineState::begin(const Connection& connection, const Ends& ends, Origin origin) noexcept {
  if (connection.nat() && fast.has_memory()) forget_replies(connection, ends);
  auto* c = connections.insert(connection, ends);
  if (c == nullptr) return nullptr;
  note_change(*c);
  auto& server = services.server(c->server);
  if (c->is_template()) {
    ++server.templates;
    return c;
  }
  if (c->nat()) flow_changes.push_back({FlowChange::Kind::Add, flow_key(*c, ends)});
  if (!c->has_inbound_key()) {
    ++server.one_packet;
    return c;
  }
  services.connection_began(server);
  if (origin == Origin::Client) ++server.counters->connections;
  if (is_active(c->state)) services.activity_changed(server, true);
  if (is_half_open(c->state)) start_half_open(*c);
  return c;
}

// A new connection with the same server and client takes the replies of the older one.
void EngineState::forget_replies(const Connection& connection, const Ends& ends) noexcept {
  const bool local = connection.fullnat();
  const auto tuple =
      Tuple::make(Tuple::Direction::Reply, connection.protocol, local ? ends.local : ends.client,
                  local ? connection.local_port : connection.client_port, ends.server, connection.server_port);
  auto* older = connections.find(tuple, connections.hash(tuple));
  if (older != nullptr) fast.forget(*older);
}

void EngineState::enter(Connection& connection, State state) noexcept {
  fast.forget(connection);
  const auto before = connection.state;
  if (is_half_open(before) && !is_half_open(state)) stop_half_open(connection);
  if (!is_half_open(before) && is_half_open(state)) start_half_open(connection);
  connection.state = state;
  note_change(connection);
  if (is_active(before) != is_active(state)) {
    services.activity_changed(services.server(connection.server), is_active(state));
  }
  if (is_established(state)) assure(connection);
}

void EngineState::end(Connection& connection) noexcept {
  fast.forget(connection);
  auto& server = services.server(connection.server);
  if (connection.has_reply_key()) {
    flow_changes.push_back({FlowChange::Kind::Remove, flow_key(connection, connections.ends(connection))});
  }
  if (connection.is_template()) {
    services.reference_ended(server, &LiveServer::templates);
  } else if (!connection.has_inbound_key()) {
    services.reference_ended(server, &LiveServer::one_packet);
  } else {
    if (is_half_open(connection.state)) stop_half_open(connection);
    services.connection_ended(server, is_active(connection.state));
  }
  if (connection.controller != 0) --connections.at(connection.controller - 1).controlled;
  connections.remove(connection);
}

void EngineState::move(Connection& persistence, std::uint32_t slot) noexcept {
  ++services.server(slot).templates;
  services.reference_ended(services.server(persistence.server), &LiveServer::templates);
  persistence.server = slot;
  persistence.state = State::Template;
  note_change(persistence);
}

void EngineState::assure(const Connection& connection) noexcept {
  if (connection.controller == 0) return;
  auto& controller = connections.at(connection.controller - 1);
  if (!controller.is_template() || controller.state == State::TemplateAssured) return;
  controller.state = State::TemplateAssured;
  note_change(controller);
}

void EngineState::start_half_open(Connection& c) noexcept {
  append(services.server(c.server).service->half_open, connections, c);
  ++half_open_;
}

void EngineState::stop_half_open(Connection& c) noexcept {
  remove(services.server(c.server).service->half_open, connections, c);
  --half_open_;
}

std::uint32_t EngineState::most_half_open() const noexcept {
  const auto capacity = static_cast<std::uint32_t>(connections.all().size());
  const auto most = policy.max_half_open != 0 ? policy.max_half_open / division.workers() : capacity / 2;
  return std::max(most, 1u);
}

DropReason EngineState::make_room(LiveService& service, std::uint8_t protocol, bool counts) noexcept {
  const auto limit = service.config.options.max_connections;
  if (counts && limit != 0 && service.connections() >= limit && !evict_oldest(&service)) return DropReason::ServiceFull;
  const bool shakes_hands = counts && protocol != static_cast<std::uint8_t>(Protocol::Udp);
  if (shakes_hands && half_open_ >= most_half_open()) evict_oldest(services.most_half_open());
  if (connections.size() < connections.all().size()) return DropReason::None;
  return evict_oldest(services.most_half_open()) || evict_idle() ? DropReason::None : DropReason::TableFull;
}

bool EngineState::evict_oldest(LiveService* service) noexcept {
  if (service == nullptr || service->half_open.oldest == 0) return false;
  auto& oldest = connections.at(service->half_open.oldest - 1);
  if (oldest.controlled != 0) {  // begins anew while others depend on it: not now
    remove(service->half_open, connections, oldest);
    append(service->half_open, connections, oldest);
    return false;
  }
  evict(oldest, DropReason::HalfOpen);
  return true;
}

// Of the next few connections the one that is missed least; never one that was answered and is not closed.
bool EngineState::evict_idle() noexcept {
  constexpr std::uint32_t kLookAt = 64;
  constexpr std::int32_t kQuiet = 1000;      // milliseconds: an answer may still be on its way
  constexpr std::uint32_t kMostPackets = 8;  // of one whose answers do not come through here; as kernel drop_entry
  Connection* best = nullptr;
  std::pair<int, std::int32_t> most{0, 0};
  for (std::uint32_t i = 0; i < std::min(kLookAt, connections.used()); ++i, ++evict_next_) {
    if (evict_next_ >= connections.used()) evict_next_ = 0;
    auto& c = connections.all()[evict_next_];
    if (c.is_free()) continue;
    refresh(c);
    const auto idle = idle_milliseconds(c, now);
    const bool answered = (c.flags & Connection::kReplied) != 0 || c.in_packets > kMostPackets;
    int rank = 0;
    if (c.is_template()) {
      rank = c.controlled == 0 && c.state == State::Template && idle > kQuiet ? 1 : 0;
    } else if (c.controlled == 0) {
      rank = is_expired(c) ? 4 : is_closed(c.state) ? 3 : c.state == State::Udp && !answered && idle > kQuiet ? 2 : 0;
    }
    if (rank != 0 && std::pair{rank, idle} > most) {
      most = {rank, idle};
      best = &c;
    }
  }
  if (best != nullptr) evict(*best, DropReason::Idle);
  return best != nullptr;
}

// A client that never finished a handshake leaves no persistence behind.
void EngineState::evict(Connection& c, DropReason counter) noexcept {
  ++drops[static_cast<std::size_t>(counter)];
  auto* controller = c.controller == 0 ? nullptr : &connections.at(c.controller - 1);
  end(c);
  if (controller != nullptr && controller->state == State::Template && controller->controlled == 0) end(*controller);
}

// Once for each connection. With DR and TUN replies do not come through here: nothing is known of them.
void EngineState::note_unanswered(Connection& c) noexcept {
  constexpr std::uint16_t kTold = Connection::kReplied | Connection::kUnanswered;
  if (!c.nat() || (c.flags & kTold) != 0 || idle_milliseconds(c, now) < kUnansweredAfter) return;
  c.flags |= Connection::kUnanswered;
  ++services.server(c.server).unanswered;
}

// Peers would end it as idle while it goes on: they are told again every quarter of what it may be idle.
void EngineState::note_stale(const Connection& c, std::int64_t limit) noexcept {
  constexpr std::int64_t kMost = 60'000;
  const auto after = static_cast<std::int32_t>(std::min(limit / 4, kMost));
  if (changes.is_stale(connections.number(c), c.last_seen, after)) note_change(c);
}

void EngineState::visit(Connection& c) noexcept {
  if (c.is_template()) {
    const auto& server = services.server(c.server);
    const auto timeout = base::milliseconds(server.service->config.options.persistence.timeout);
    note_stale(c, timeout);
    if (c.controlled != 0) return;
    if (idle_milliseconds(c, now) >= timeout || !server.keeps_clients(policy.expire_quiescent_template)) end(c);
    return;
  }
  refresh(c);
  note_unanswered(c);
  note_stale(c, limits.of(c.state));
  if (services.listener_index().has_lingering()) {
    services.listener_index().sighted(c.protocol, connections.ends(c).virtual_address, c.virtual_port);
  }
  if (c.controlled != 0) return;
  if (is_expired(c) || (policy.expire_nodest_conn && services.server(c.server).draining)) end(c);
}

void EngineState::end_of_round() noexcept {
  expire_next_ = 0;
  auto& index = services.listener_index();
  if (!expectations.empty()) {
    expectations.forget_old(now);
    expectations.for_each([&](const Expectation& e) {
      index.sighted(static_cast<std::uint8_t>(Protocol::Tcp), e.virtual_address, e.virtual_port);
    });
  }
  if (index.has_lingering() && index.end_of_round()) services.listeners_changed();
}

void EngineState::expire(std::uint32_t stamp, std::size_t budget) noexcept {
  now = stamp;
  drops[static_cast<std::size_t>(DropReason::Fragment)] += fragments.give_up(now);
  if (connections.used() == 0) return end_of_round();
  const auto visits = std::min<std::size_t>(budget, connections.used());
  for (std::size_t i = 0; i < visits; ++i, ++expire_next_) {
    if (expire_next_ >= connections.used()) end_of_round();
    auto& c = connections.all()[expire_next_];
    if (!c.is_free()) visit(c);
  }
}

}  // namespace lvsd::ipvs::engine

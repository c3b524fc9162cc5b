#include "ipvs/engine/sync_records.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "ipvs/engine/persistence.hpp"

namespace lvsd::ipvs::engine {
namespace {

using sync::Record;

// A peer that told of a connection knows of packets that came here since only if it is so much ahead: what it says may
// be an echo, and was on its way for a while. Milliseconds.
constexpr std::int64_t kEcho = 1000;

constexpr std::pair<std::uint16_t, std::uint16_t> kSameFlags[] = {
    {Connection::kReplied, Record::kReplied}, {Connection::kFullnat, Record::kFullnat},
    {Connection::kNotice, Record::kNotice},   {Connection::kProxied, Record::kProxied},
    {Connection::kFtp, Record::kFtp},         {Connection::kTemplate, Record::kTemplate},
};
constexpr std::uint16_t kTold = Connection::kReplied | Connection::kNotice | Connection::kProxied | Connection::kFtp;

std::uint8_t wire_state(const Connection& c) {
  const auto state = static_cast<std::uint8_t>(c.state);
  if (c.is_template()) return c.state == State::TemplateAssured ? 1 : 0;
  if (c.state < State::Udp) return state;
  return c.state == State::Udp ? 0 : static_cast<std::uint8_t>(state - kSctp);
}

std::optional<State> state_of(const Record& record) {
  if (record.protocol == static_cast<std::uint8_t>(Protocol::Tcp) && record.state < kTcpStates)
    return static_cast<State>(record.state);
  if (record.protocol == static_cast<std::uint8_t>(Protocol::Sctp) && record.state < kSctpStates)
    return static_cast<State>(record.state + kSctp);
  if (record.protocol == static_cast<std::uint8_t>(Protocol::Udp)) return State::Udp;
  return std::nullopt;
}

// A service's clients are known by their Call-ID to this process alone: its hash is keyed.
bool is_of_call(const Connection& c) { return c.is_template() && c.client_port != 0; }
bool is_told(const Connection& c) { return !c.is_free() && c.has_inbound_key() && !is_of_call(c); }

Record record_of(const EngineState& state, const Connection& c, const Connection* controller) {
  Record record;
  record.protocol = c.protocol;
  record.state = wire_state(c);
  for (const auto& [ours, told] : kSameFlags) record.flags |= (c.flags & ours) != 0 ? told : 0;
  record.server = c.server;
  record.idle_ms = static_cast<std::uint32_t>(std::max(idle_milliseconds(c, state.now), 0));
  record.left_ms = static_cast<std::uint32_t>(std::max(state.limits.of(c.state) - idle_milliseconds(c, state.now), 0));
  record.from_peer = state.changes.is_from_peer(state.connections.number(c), c.last_seen);
  record.in_packets = c.in_packets;
  record.first_sequence = c.first_sequence;
  const auto ends = state.connections.ends(c);
  record.client = to_endpoint(ends.client, c.client_port);
  if (c.is_template()) return record;
  if (!c.nat()) record.flags |= Record::kNoReplies;
  record.virtual_address = to_endpoint(ends.virtual_address, c.virtual_port);
  record.server_port = swap_port(c.server_port);
  if (c.fullnat()) record.local = to_endpoint(ends.local, c.local_port);
  if (controller == nullptr) return record;
  if (controller->is_template()) {
    record.flags |= Record::kPersistent;
  } else {
    record.controller_client_port = swap_port(controller->client_port);
    record.controller_virtual_port = swap_port(controller->virtual_port);
  }
  return record;
}

}  // namespace

void SyncRecords::tell(const Connection& c, sync::Batch& batch, std::map<std::uint32_t, bool>& told) {
  const auto* controller = c.controller == 0 ? nullptr : &state_.connections.at(c.controller - 1);
  batch.records.push_back(record_of(state_, c, controller));
  if (!told.emplace(c.server, true).second) return;
  const auto& server = state_.services.server(c.server);
  batch.servers.push_back({c.server, server.service->config.name, server.config.address, server.config.method});
}

sync::Batch SyncRecords::take(std::size_t limit) {
  sync::Batch batch;
  std::map<std::uint32_t, bool> told;
  for (std::size_t looked = 0; batch.records.size() < limit && looked < 4 * limit; ++looked) {
    const auto noted = state_.changes.next();
    if (!noted) break;
    const auto& c = state_.connections.at(noted->number);
    if (!is_told(c) || (noted->half_open && !is_half_open(c.state))) continue;
    state_.changes.known(noted->number, c.last_seen, false);
    tell(c, batch, told);
  }
  return batch;
}

sync::Walked SyncRecords::walk(std::uint32_t from, std::uint32_t limit) {
  sync::Walked walked;
  std::map<std::uint32_t, bool> told;
  const auto used = state_.connections.used();
  walked.next = from < used ? from + std::min(limit, used - from) : used;
  for (auto i = from; i < walked.next; ++i) {
    const auto& c = state_.connections.at(i);
    if (is_told(c)) tell(c, walked.batch, told);
  }
  walked.complete = walked.next >= state_.connections.used();
  return walked;
}

sync::Batch SyncRecords::take_misplaced() {
  const auto& division = state_.division;
  // What holds others comes before them, and ends after them.
  std::array<std::vector<std::uint32_t>, 3> misplaced;
  for (std::uint32_t i = 0; i < state_.connections.used(); ++i) {
    const auto& c = state_.connections.at(i);
    if (!is_told(c)) continue;
    const auto ends = state_.connections.ends(c);
    const bool right = division.of_client(c.protocol, ends.client) == division.mine() &&
                       (!c.fullnat() || division.of_local_port(c.local_port) == division.mine());
    if (!right) misplaced[c.is_template() ? 0 : c.controller == 0 ? 1 : 2].push_back(i);
  }
  sync::Batch batch;
  std::map<std::uint32_t, bool> told;
  for (const auto& numbers : misplaced) {
    for (const auto number : numbers) {
      state_.refresh(state_.connections.at(number));
      tell(state_.connections.at(number), batch, told);
    }
  }
  state_.flow_changes.reserve(state_.flow_changes.size() + batch.records.size());
  for (auto numbers = misplaced.rbegin(); numbers != misplaced.rend(); ++numbers) {
    for (const auto number : *numbers) {
      auto& c = state_.connections.at(number);
      if (c.controlled == 0) state_.end(c);
    }
  }
  return batch;
}

SyncRecords::Target SyncRecords::find(const sync::Server& server, const Record* record) {
  const auto& at = record != nullptr ? record->virtual_address : base::Endpoint{};
  auto* service = record != nullptr ? state_.services.find(record->protocol, to_packet(at.address), swap_port(at.port))
                                    : state_.services.named(server.service);
  if (service == nullptr) return {};
  // A template for all ports names none.
  const bool any_port = record != nullptr && record->has(Record::kTemplate) && server.address.port == 0;
  for (const auto* slots : {&service->servers, &service->draining}) {
    for (const auto slot : *slots) {
      const auto& config = state_.services.server(slot).config;
      const bool as_told = record != nullptr && (config.address.port == 0 || any_port);
      const auto port = as_told ? record->server_port : config.address.port;
      const base::Endpoint address{config.address.address, port};
      // Who finds it by its listener does not know the method: the one here is right (kernel ip_vs_proc_conn).
      if (address == server.address && (record != nullptr || config.method == server.method)) return {slot, service};
    }
  }
  return {};
}

sync::Applied SyncRecords::put(const sync::Batch& batch) {
  std::map<std::uint32_t, std::pair<const sync::Server*, Target>> targets;
  for (const auto& server : batch.servers) {
    targets[server.number] = {&server, server.service.empty() ? Target{} : find(server, nullptr)};
  }
  sync::Applied applied;
  state_.flow_changes.reserve(state_.flow_changes.size() + 4 * batch.records.size());
  state_.changes.pause(true);
  for (const auto& record : batch.records) {
    const auto known = targets.find(record.server);
    Target target;
    if (known != targets.end()) {
      const auto& [server, found] = known->second;
      target = server->service.empty() ? find(*server, &record) : found;
    }
    if (target.slot == kNoSlot) {
      ++applied.unknown_server;
    } else if (!put(record, target, applied)) {
      ++applied.refused;
    }
  }
  state_.changes.pause(false);
  return applied;
}

bool SyncRecords::put(const Record& record, const Target& target, sync::Applied& applied) {
  const auto wanted = record.has(Record::kTemplate) ? draft_template(record, target) : draft(record, target);
  if (!wanted) return false;
  auto* known = state_.connections.find(wanted->tuple, state_.connections.hash(wanted->tuple));
  if (known != nullptr && !is_newer(*known, record)) {
    ++applied.older;
    return true;
  }
  auto* connection = known;
  if (known != nullptr && !update(*known, *wanted)) {
    if (known->controlled != 0) return false;
    state_.end(*known);
    connection = nullptr;
  }
  if (connection == nullptr) connection = begin(record, *wanted, *target.service);
  if (connection == nullptr) return false;
  state_.changes.known(state_.connections.number(*connection), connection->last_seen, true);
  ++applied.taken;
  return true;
}

std::optional<SyncRecords::Draft> SyncRecords::draft(const Record& record, const Target& target) const {
  const auto& server = state_.services.server(target.slot);
  const auto state = state_of(record);
  const bool v4 = record.client.address.is_v4();
  if (!state || v4 != record.virtual_address.address.is_v4() || server.fullnat != record.has(Record::kFullnat))
    return std::nullopt;
  Draft made;
  made.ends = {to_packet(record.client.address), to_packet(record.virtual_address.address), {}, {}};
  if (server.address.is_v4() == v4) made.ends.server = server.address;
  auto& c = made.connection;
  c.protocol = record.protocol;
  c.state = *state;
  c.client_port = swap_port(record.client.port);
  c.virtual_port = swap_port(record.virtual_address.port);
  c.server_port = swap_port(record.server_port);
  for (const auto& [ours, told] : kSameFlags) c.flags |= record.has(told) ? ours : std::uint16_t{0};
  if (server.nat) c.flags |= Connection::kNat;
  if (server.fullnat) {
    if (record.local.address.is_v4() != v4) return std::nullopt;
    made.ends.local = to_packet(record.local.address);
    c.local_port = swap_port(record.local.port);
    // Its replies would come to another worker.
    if (state_.division.of_local_port(c.local_port) != state_.division.mine()) return std::nullopt;
    state_.local_addresses.insert(made.ends.local);
  }
  c.server = target.slot;
  c.in_packets = record.in_packets;
  c.first_sequence = record.first_sequence;
  c.last_seen = state_.now - record.idle_ms;
  made.tuple = Tuple::make(Tuple::Direction::Inbound, c.protocol, made.ends.client, c.client_port,
                           made.ends.virtual_address, c.virtual_port);
  return made;
}

std::optional<SyncRecords::Draft> SyncRecords::draft_template(const Record& record, const Target& target) const {
  const auto& service = *target.service;
  const auto& persistence = service.config.options.persistence;
  if (persistence.timeout.count() == 0) return std::nullopt;
  Draft made;
  made.tuple =
      client_template(service.template_protocol, to_packet(record.client.address), persistence.prefix, service.record);
  auto& c = made.connection;
  place(made.tuple, c, made.ends);
  c.flags = Connection::kTemplate;
  c.state = record.state != 0 ? State::TemplateAssured : State::Template;
  c.server = target.slot;
  c.last_seen = state_.now - record.idle_ms;
  return made;
}

bool SyncRecords::is_newer(const Connection& known, const Record& record) const {
  if (state_.changes.is_from_peer(state_.connections.number(known), known.last_seen)) return true;
  if (!known.is_template() && state_.is_expired(known)) return true;
  return record.idle_ms + kEcho < std::max(idle_milliseconds(known, state_.now), 0);
}

// False: it is another connection that has taken its place.
bool SyncRecords::update(Connection& known, const Draft& wanted) {
  const auto& c = wanted.connection;
  if (known.is_template()) {
    if (known.server != c.server) state_.move(known, c.server);
    known.state = c.state;
    known.last_seen = c.last_seen;
    return true;
  }
  const bool same = known.server == c.server && known.server_port == c.server_port &&
                    known.local_port == c.local_port && state_.connections.ends(known).local == wanted.ends.local;
  if (!same) return false;
  if (known.state != c.state) state_.enter(known, c.state);
  known.flags = static_cast<std::uint16_t>((known.flags & ~kTold) | (c.flags & kTold));
  known.last_seen = c.last_seen;
  known.in_packets = c.in_packets;
  known.first_sequence = c.first_sequence;
  return true;
}

Connection* SyncRecords::begin(const Record& record, const Draft& wanted, LiveService& service) {
  const bool counts = !wanted.connection.is_template();
  if (counts && !let_in(record, wanted)) return nullptr;
  if (state_.make_room(service, wanted.connection.protocol, counts) != DropReason::None) return nullptr;
  auto connection = wanted.connection;
  connection.controller = counts ? controller_of(record, wanted, service) : 0;
  auto* begun = state_.begin(connection, wanted.ends, EngineState::Origin::Peer);
  if (begun != nullptr && begun->controller != 0) ++state_.connections.at(begun->controller - 1).controlled;
  return begun;
}

// Where the service does not listen, clients come only as an FTP control connection announced.
bool SyncRecords::let_in(const Record& record, const Draft& wanted) {
  const auto& c = wanted.connection;
  auto& services = state_.services;
  if (services.find(c.protocol, wanted.ends.virtual_address, c.virtual_port) != nullptr) return true;
  if (services.listener_index().lingers(c.protocol, wanted.ends.virtual_address, c.virtual_port)) return true;
  if (record.controller_virtual_port == 0) return false;
  const Listener listener{static_cast<Protocol>(c.protocol), record.virtual_address, 0};
  services.listener_index().linger(listener);
  state_.flow_changes.push_back({FlowChange::Kind::Listen, {listener.protocol, listener.address, {}}});
  return true;
}

// The number + 1 of what the connection depends on; 0: nothing that is here.
std::uint32_t SyncRecords::controller_of(const Record& record, const Draft& wanted, const LiveService& service) {
  Tuple tuple;
  if (record.has(Record::kPersistent)) {
    tuple = client_template(service.template_protocol, wanted.ends.client, service.config.options.persistence.prefix,
                            service.record);
  } else if (record.controller_virtual_port != 0) {
    tuple = Tuple::make(Tuple::Direction::Inbound, wanted.connection.protocol, wanted.ends.client,
                        swap_port(record.controller_client_port), wanted.ends.virtual_address,
                        swap_port(record.controller_virtual_port));
  } else {
    return 0;
  }
  const auto* controller = state_.connections.find(tuple, state_.connections.hash(tuple));
  return controller == nullptr || controller->controller != 0 ? 0 : state_.connections.number(*controller) + 1;
}

}  // namespace lvsd::ipvs::engine

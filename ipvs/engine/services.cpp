#include "ipvs/engine/services.hpp"

#include <algorithm>
#include <set>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "ipvs/engine/network_order.hpp"
#include "ipvs/engine/slot_identity.hpp"

namespace lvsd::ipvs::engine {
namespace {

constexpr std::size_t kAtEnd = static_cast<std::size_t>(-1);

// The service a command is about.
const std::string& subject(const Command& command) {
  struct Visitor {
    const std::string& operator()(const AddService& c) const { return c.virtual_server.name; }
    const std::string& operator()(const SetService& c) const { return c.virtual_server.name; }
    const std::string& operator()(const RemoveService& c) const { return c.service; }
    const std::string& operator()(const AddServer& c) const { return c.service; }
    const std::string& operator()(const SetServer& c) const { return c.service; }
    const std::string& operator()(const RemoveServer& c) const { return c.service; }
  };
  return std::visit(Visitor{}, command);
}

std::uint8_t template_protocol(const std::vector<Listener>& listeners) {
  const bool one = !listeners.empty() && std::all_of(listeners.begin(), listeners.end(), [&](const Listener& l) {
    return l.protocol == listeners.front().protocol;
  });
  return one ? static_cast<std::uint8_t>(listeners.front().protocol) : Connection::kAnyProtocol;
}

void configure(LiveServer& server, const RealServer& wanted) {
  server.config = wanted;
  server.address = to_packet(wanted.address.address);
  server.port = swap_port(wanted.address.port);
  server.nat = wanted.method == Method::Nat || wanted.method == Method::Fullnat;
  server.tunnelled = wanted.method == Method::Tun;
  server.fullnat = wanted.method == Method::Fullnat;
  server.way_generation = 0;
}

}  // namespace

Services::Services(const TableMemory& memory)
    : records_{memory.slots}, seed_{memory.seed}, records_used_{memory.slots_used} {
  if (memory.adopted) adopt_records();
}

void Services::adopt_records() {
  servers_.resize(*records_used_);
  for (std::uint32_t slot = 0; slot < *records_used_; ++slot) {
    auto& record = records_[slot];
    if (!is_sound(record)) {
      record = SlotRecord{};
      free_slots_.push_back(slot);
      continue;
    }
    auto& service = services_[std::string{record.service()}];
    if (!service) {
      service = std::make_unique<LiveService>();
      service->config.name = record.service();
      service->removed = true;
    }
    if (record.kind == SlotRecord::Kind::Service) {
      service->record = slot;
      continue;
    }
    auto& server = servers_[slot];
    configure(server, read_server(record));
    server.draining = true;
    server.service = service.get();
    server.counters = &record.counters;
    server.estimator.start(record.counters);
    service->draining.push_back(slot);
  }
  for (auto& [name, service] : services_) service->estimator.start(totals(*service));
}

base::Result<void> Services::apply(std::span<const Command> commands, std::uint32_t now) {
  now_ = now;
  Outcome result;
  std::set<std::string> touched;
  for (const auto& command : commands) {
    const auto outcome = std::visit([this](const auto& c) { return execute(c); }, command);
    if (!outcome && result) result = outcome;
    touched.insert(subject(command));
  }
  for (const auto& name : touched) {
    if (auto* service = named(name); service != nullptr) refresh(*service);
  }
  // Those that an adopted table brought along drain from now on.
  for (auto& server : servers_) {
    if (server.draining && server.drained_at == 0) server.drained_at = std::max(now_, 1u);
  }
  sweep();
  return result;
}

void Services::set_hash_key(std::uint64_t key) {
  if (std::exchange(hash_key_, key) == key) return;
  for (const auto& [name, service] : services_) {
    if (!service->scheduler || service->config.scheduler != SchedulerKind::Mh) continue;
    service->scheduler = make_scheduler(SchedulerKind::Mh, {service->config.flags, 0, hash_key_});
    service->scheduler->servers_changed(service->candidates);
  }
}

LiveService* Services::named(const std::string& name) {
  const auto found = services_.find(fit_name(name));
  return found == services_.end() ? nullptr : found->second.get();
}

base::Result<LiveService*> Services::make_service(const std::string& name) {
  auto* service = named(name);
  if (service == nullptr) {
    auto made = std::make_unique<LiveService>();
    service = made.get();
    service->removed = true;  // until it is complete
    services_.emplace(fit_name(name), std::move(made));
  }
  if (service->record == kNoSlot) {
    service->record = take_slot();
    if (service->record == kNoSlot) return base::fail(fmt::format("virtual server {}: no slot is left", name));
    write_service(records_[service->record], name);
  }
  return service;
}

Services::Outcome Services::put_service(const VirtualServer& wanted) {
  auto made = make_service(wanted.name);
  if (!made) return tl::unexpected{made.error()};
  auto& service = **made;
  if (!service.scheduler || service.config.scheduler != wanted.scheduler || service.config.flags != wanted.flags) {
    service.scheduler = make_scheduler(wanted.scheduler, {wanted.flags, seed_ + service.record, hash_key_});
  }
  let_linger(service, wanted.listeners);
  release_listeners(service);
  service.config = wanted;
  service.template_protocol = template_protocol(wanted.listeners);
  service.removed = false;
  take_listeners(service, wanted.listeners);
  attach_load(service);
  service.local_v4.clear();
  service.local_v6.clear();
  for (const auto& address : wanted.options.local_addresses)
    (address.is_v4() ? service.local_v4 : service.local_v6).push_back(to_packet(address));
  listeners_changed_ = true;
  return {};
}

// A listener has one service: the latest that asked for it.
void Services::take_listeners(LiveService& service, const std::vector<Listener>& listeners) {
  for (const auto& listener : listeners) {
    auto* holder = listeners_.take(listener, service);
    if (holder != nullptr && holder != &service) std::erase(holder->config.listeners, listener);
  }
}

// A listener that goes while its service stays: connections to it may finish.
void Services::let_linger(const LiveService& service, const std::vector<Listener>& wanted) {
  if (service.total == 0) return;
  for (const auto& listener : service.config.listeners) {
    if (std::find(wanted.begin(), wanted.end(), listener) == wanted.end()) listeners_.linger(listener);
  }
}

void Services::release_listeners(LiveService& service) {
  for (const auto& listener : service.config.listeners) listeners_.release(listener, service);
}

Services::Outcome Services::execute(const RemoveService& command) {
  auto* service = named(command.service);
  if (service == nullptr) return {};
  while (!service->servers.empty()) drain(*service, service->servers.size() - 1);
  service->removed = true;
  return {};
}

std::size_t Services::place_of(const LiveService& service, const std::string& name) const {
  const auto at = std::find_if(service.servers.begin(), service.servers.end(),
                               [&](std::uint32_t slot) { return servers_[slot].config.name == name; });
  return static_cast<std::size_t>(at - service.servers.begin());
}

Services::Outcome Services::execute(const AddServer& command) {
  auto* service = named(command.service);
  if (service == nullptr || service->removed) return base::fail("no virtual server " + command.service);
  if (const auto place = place_of(*service, command.server.name); place < service->servers.size())
    drain(*service, place);
  return put_server(*service, command.server, kAtEnd);
}

Services::Outcome Services::execute(const SetServer& command) {
  auto* service = named(command.service);
  if (service == nullptr || service->removed) return base::fail("no virtual server " + command.service);
  const auto place = place_of(*service, command.server.name);
  if (place == service->servers.size()) return put_server(*service, command.server, kAtEnd);
  drain(*service, place);
  return put_server(*service, command.server, place);
}

Services::Outcome Services::execute(const RemoveServer& command) {
  auto* service = named(command.service);
  if (service == nullptr) return {};
  if (const auto place = place_of(*service, command.server); place < service->servers.size()) drain(*service, place);
  return {};
}

void Services::drain(LiveService& service, std::size_t place) {
  const auto slot = service.servers[place];
  service.servers.erase(service.servers.begin() + static_cast<std::ptrdiff_t>(place));
  service.draining.push_back(slot);
  servers_[slot].draining = true;
  servers_[slot].drained_at = std::max(now_, 1u);
  servers_[slot].position = kNoSlot;
}

std::uint32_t Services::revive(LiveService& service, const RealServer& wanted) {
  const auto at = std::find_if(service.draining.begin(), service.draining.end(),
                               [&](std::uint32_t slot) { return same_server(servers_[slot].config, wanted); });
  if (at == service.draining.end()) return kNoSlot;
  const auto slot = *at;
  service.draining.erase(at);
  return slot;
}

Services::Outcome Services::put_server(LiveService& service, const RealServer& wanted, std::size_t position) {
  auto slot = revive(service, wanted);
  if (slot == kNoSlot) {
    slot = take_slot();
    if (slot == kNoSlot) {
      return base::fail(
          fmt::format("real server {}/{}: no slot is left of {}", service.config.name, wanted.name, records_.size()));
    }
    servers_[slot] = LiveServer{};
    servers_[slot].counters = &records_[slot].counters;
  }
  write_server(records_[slot], service.config.name, wanted);
  auto& server = servers_[slot];
  configure(server, wanted);
  server.draining = false;
  server.drained_at = 0;
  server.service = &service;
  attach_load(server);
  service.servers.insert(
      service.servers.begin() + static_cast<std::ptrdiff_t>(std::min(position, service.servers.size())), slot);
  return {};
}

// At its most connections a server is overloaded until it has fewer than its least; in between it stays as it is, also
// when the limits are edited (kernel ip_vs_conn.c, ip_vs_bind_dest and ip_vs_unbind_dest; ip_vs_ctl.c,
// __ip_vs_update_dest).
bool Services::is_overloaded(const LiveServer& server) noexcept {
  const auto most = server.config.options.max_connections;
  const auto least = server.config.options.min_connections;
  if (most == 0) return false;
  const auto total = server.load ? server.load->total.load(std::memory_order_relaxed) : server.total;
  if (total >= most) return true;
  const bool was = server.load ? server.load->overloaded.load(std::memory_order_relaxed) : server.overloaded;
  return was && total >= (least != 0 ? least : most - most / 4);
}

void Services::refresh(LiveService& service) {
  service.candidates.clear();
  for (std::uint32_t i = 0; i < service.servers.size(); ++i) {
    auto& server = servers_[service.servers[i]];
    server.position = i;
    server.overloaded = is_overloaded(server);
    const auto& config = server.config;
    const bool down = config.down || config.aside;
    auto address = config.address;
    if (address.port == 0 && !service.config.listeners.empty())
      address.port = service.config.listeners.front().address.port;
    service.candidates.push_back({service.servers[i], config.weight, down, server.active, server.total - server.active,
                                  server.overloaded, address});
  }
  look_at_loads(service);
  if (service.scheduler) service.scheduler->servers_changed(service.candidates);
}

std::uint32_t Services::schedule(LiveService& service, const Request& request) noexcept {
  if (service.removed || !service.scheduler) return kNoSlot;
  look_at_loads(service);
  const auto pick = service.scheduler->pick(service.candidates, request);
  return pick ? service.servers[*pick] : kNoSlot;
}

bool Services::has_tunnel(const base::IpAddress& server, const Tunnel& tunnel) const noexcept {
  return std::any_of(servers_.begin(), servers_.end(), [&](const LiveServer& s) {
    const auto& own = s.config.options.tunnel;
    return s.tunnelled && s.config.address.address == server && own.kind == tunnel.kind && own.port == tunnel.port;
  });
}

bool Services::learn_path_mtu(const base::IpAddress& server, const Tunnel& tunnel, std::uint32_t mtu,
                              std::uint32_t now) noexcept {
  if (!has_tunnel(server, tunnel)) return false;
  for (auto& s : servers_) {
    if (!s.tunnelled || s.config.address.address != server) continue;
    if (s.path_mtu != 0 && mtu >= s.path_mtu) continue;  // an error never says that a path is wider
    s.path_mtu = mtu;
    s.path_mtu_since = now;
    s.way_generation = 0;  // its way is to be found anew
  }
  return true;
}

void Services::reference_ended(LiveServer& server, std::uint32_t LiveServer::*count) noexcept {
  --(server.*count);
  if (server.draining && server.is_unused()) needs_sweep_ = true;
}

// Looks through all services once in a while only: an attack has one target for long, and a flood asks often.
LiveService* Services::most_half_open() noexcept {
  constexpr unsigned kAskAgain = 64;
  if (crowded_ != nullptr && crowded_->half_open.count != 0 && ++crowded_asked_ < kAskAgain) return crowded_;
  crowded_ = nullptr;
  crowded_asked_ = 0;
  for (const auto& [name, service] : services_) {
    const auto most = crowded_ == nullptr ? 0 : crowded_->half_open.count;
    if (service->half_open.count > most) crowded_ = service.get();
  }
  return crowded_;
}

std::uint32_t Services::take_slot() {
  if (!free_slots_.empty()) {
    const auto slot = free_slots_.back();
    free_slots_.pop_back();
    return slot;
  }
  if (*records_used_ == records_.size()) return kNoSlot;
  const auto slot = (*records_used_)++;
  records_[slot] = SlotRecord{};
  servers_.resize(*records_used_);
  return slot;
}

void Services::free_slot(std::uint32_t slot) {
  records_[slot] = SlotRecord{};
  servers_[slot] = LiveServer{};
  free_slots_.push_back(slot);
}

bool Services::free_drained(LiveService& service) {
  for (std::size_t i = service.draining.size(); i-- > 0;) {
    const auto slot = service.draining[i];
    if (!servers_[slot].is_unused()) continue;
    if (service.record != kNoSlot) records_[service.record].counters += *servers_[slot].counters;
    free_slot(slot);
    service.draining.erase(service.draining.begin() + static_cast<std::ptrdiff_t>(i));
  }
  return service.removed && service.draining.empty();
}

void Services::sweep() {
  needs_sweep_ = false;
  crowded_ = nullptr;
  for (auto at = services_.begin(); at != services_.end();) {
    if (!free_drained(*at->second)) {
      ++at;
      continue;
    }
    release_listeners(*at->second);
    if (at->second->record != kNoSlot) free_slot(at->second->record);
    at = services_.erase(at);
    listeners_changed_ = true;
  }
  if (listeners_changed_) listeners_.refresh();
  listeners_changed_ = false;
}

Counters Services::totals(const LiveService& service) const {
  Counters sum;
  if (service.record != kNoSlot) sum = records_[service.record].counters;
  for (const auto slot : service.servers) sum += *servers_[slot].counters;
  for (const auto slot : service.draining) sum += *servers_[slot].counters;
  return sum;
}

void Services::estimate() {
  for (auto& [name, service] : services_) {
    service->estimator.step(totals(*service));
    for (const auto slot : service->servers) servers_[slot].estimator.step(*servers_[slot].counters);
    for (const auto slot : service->draining) servers_[slot].estimator.step(*servers_[slot].counters);
  }
}

std::vector<base::Endpoint> Services::tunnel_ends() const {
  std::vector<base::Endpoint> ends;
  for (const auto& server : servers_) {
    if (server.tunnelled) ends.push_back({server.config.address.address, server.config.options.tunnel.port});
  }
  return ends;
}

std::vector<Listener> Services::listeners() const {
  std::vector<Listener> all;
  for (const auto& [name, service] : services_) {
    all.insert(all.end(), service->config.listeners.begin(), service->config.listeners.end());
  }
  listeners_.append_lingering(all);
  return all;
}

void Services::append_local_addresses(boost::unordered_flat_set<WireAddress, AddressHash>& all) const {
  for (const auto& [name, service] : services_) {
    all.insert(service->local_v4.begin(), service->local_v4.end());
    all.insert(service->local_v6.begin(), service->local_v6.end());
  }
}

}  // namespace lvsd::ipvs::engine

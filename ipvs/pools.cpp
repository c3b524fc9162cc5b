#include "ipvs/pools.hpp"

#include <algorithm>

namespace lvsd::ipvs {
namespace {

using namespace std::chrono_literals;

constexpr int kSteps = 50;  // of a slow start
constexpr base::Duration kShortestStep = 100ms;

std::uint32_t percent_at(base::Duration since_start, base::Duration whole) {
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(since_start.count() * 100 / whole.count(), 1, 100));
}

}  // namespace

std::uint64_t usable_weight(const VirtualServerConfig& service, const HealthView& health,
                            const OverrideView& overrides) {
  std::uint64_t sum = 0;
  for (const auto& server : service.servers) {
    const auto standing = standing_of(server, health, override_of(overrides, service.name, server.name));
    if (standing.usable()) sum += standing.weight;
  }
  return sum;
}

void Pools::observe(const Config& config, const HealthView& health, const OverrideView& overrides,
                    base::TimePoint now) {
  ++observations_;
  view_.slow_starts.clear();
  next_step_.reset();
  for (const auto& service : config.virtual_servers) {
    for (const auto& server : service.servers) {
      observe_server(service, server, standing_of(server, health, override_of(overrides, service.name, server.name)),
                     now);
    }
  }
  std::erase_if(servers_, [this](const auto& entry) { return entry.second.seen != observations_; });
  find_lost(config.failure_window, now);
  std::map<std::string, PoolView::Service> services;
  for (const auto& service : config.virtual_servers)
    services.emplace(service.name, judge(service, health, overrides, config.failure_window));
  view_.services = std::move(services);
}

void Pools::observe_server(const VirtualServerConfig& service, const RealServerConfig& config, const Standing& standing,
                           base::TimePoint now) {
  const auto [at, is_new] = servers_.try_emplace({service.name, config.name});
  auto& server = at->second;
  if (is_new) server.original = observations_ == 1;
  server.seen = observations_;
  server.address = config.address.address;
  server.watched = !config.checks.empty();
  const bool first_result = server.state == ServerState::unknown;
  if (standing.usable() && server.state != ServerState::up) {
    server.starting = !(first_result && server.original);
    server.up_since = now;
  }
  if (!standing.usable()) server.starting = false;
  if (standing.checked == ServerState::down && server.checked != ServerState::down) {
    server.was_up = server.checked == ServerState::up;
    server.down_since = now;
    server.silent = standing.silent;
  }
  if (standing.checked != ServerState::down) server.lost = false;
  server.state = standing.state;
  server.checked = standing.checked;
  if (server.starting) step_slow_start(service.name, config, server, now);
}

void Pools::step_slow_start(const std::string& service, const RealServerConfig& config, Server& server,
                            base::TimePoint now) {
  const auto whole = config.policy.slow_start;
  const auto ends = server.up_since + whole;
  if (whole.count() <= 0 || now >= ends) {
    server.starting = false;
    return;
  }
  view_.slow_starts[{service, config.name}] = percent_at(now - server.up_since, whole);
  const auto next = std::min(ends, now + std::max(whole / kSteps, kShortestStep));
  next_step_ = std::min(next, next_step_.value_or(next));
}

// Servers that were in use and of which more than half, on at least two hosts, fall silent within one window: more
// likely it is our network that is gone than all of them. Those that follow belong to them.
void Pools::find_lost(base::Duration window, base::TimePoint now) {
  std::size_t watched = 0;
  std::size_t fell = 0;
  std::set<base::IpAddress> hosts;
  const auto falls = [&](const Server& s) {
    const bool recent = s.was_up && now - s.down_since <= window;
    return s.checked == ServerState::down && s.silent && (s.lost || recent);
  };
  for (const auto& [name, server] : servers_) {
    watched += server.watched;
    if (!falls(server)) continue;
    ++fell;
    hosts.insert(server.address);
  }
  if (hosts.size() < 2 || 2 * fell <= watched) return;
  for (auto& [name, server] : servers_) server.lost = server.lost || falls(server);
}

PoolView::Service Pools::judge(const VirtualServerConfig& service, const HealthView& health,
                               const OverrideView& overrides, base::Duration window) const {
  PoolView::Service now;
  const auto before = view_.services.find(service.name);
  const auto weight = usable_weight(service, health, overrides);
  if (before == view_.services.end()) {
    now.short_of_quorum = weight < service.quorum;
  } else if (before->second.short_of_quorum) {
    now.short_of_quorum = weight < std::uint64_t{service.quorum} + service.hysteresis;
  } else {
    now.short_of_quorum = weight == 0 || weight + service.hysteresis < service.quorum;
  }
  if (weight > 0) return now;
  now.kept = kept_servers(service, overrides, window);
  const bool fails = std::any_of(service.servers.begin(), service.servers.end(), [&](const auto& server) {
    return servers_.at({service.name, server.name}).state == ServerState::down;
  });
  now.withdrawn = service.all_down == AllDown::Withdraw && fails;
  return now;
}

// Only servers that fail: what an operator has taken out stays out.
std::set<std::string> Pools::kept_servers(const VirtualServerConfig& service, const OverrideView& overrides,
                                          base::Duration window) const {
  std::map<std::string, const Server*> failing;
  base::TimePoint last{};
  for (const auto& config : service.servers) {
    const auto& server = servers_.at({service.name, config.name});
    const auto wanted = override_of(overrides, service.name, config.name);
    if (server.state != ServerState::down || wanted.drain || wanted.disable) continue;
    failing.emplace(config.name, &server);
    if (server.was_up) last = std::max(last, server.down_since);
  }
  const auto keeps = [&](const Server& server) {
    switch (service.all_down) {
      case AllDown::Auto:
        return server.lost;
      case AllDown::KeepLast:
        return server.lost || (server.was_up && last - server.down_since <= window);
      case AllDown::All:
        return true;
      case AllDown::Sorry:
      case AllDown::Withdraw:
      case AllDown::Drop:
        return false;
    }
    return false;
  };
  std::set<std::string> kept;
  for (const auto& [name, server] : failing) {
    if (keeps(*server)) kept.insert(name);
  }
  return kept;
}

}  // namespace lvsd::ipvs

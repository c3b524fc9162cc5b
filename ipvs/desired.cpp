#include "ipvs/desired.hpp"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include "ipvs/describe.hpp"
#include "ipvs/names.hpp"

namespace lvsd::ipvs {
namespace {

constexpr const char* kSorry = "sorry";

// A service with what is known and wanted of its servers besides the configuration.
struct Subject {
  const VirtualServerConfig& config;
  const HealthView& health;
  const OverrideView& overrides;
  const PoolView& pools;

  ServerOverride wanted(const RealServerConfig& server) const {
    return override_of(overrides, config.name, server.name);
  }
  Standing standing(const RealServerConfig& server) const { return standing_of(server, health, wanted(server)); }
  const PoolView::Service* past() const {
    const auto found = pools.services.find(config.name);
    return found == pools.services.end() ? nullptr : &found->second;
  }
  bool keeps(const std::string& server) const { return past() && past()->kept.contains(server); }
  bool keeps_any() const { return past() && !past()->kept.empty(); }
  bool short_of_quorum() const {
    return past() ? past()->short_of_quorum : usable_weight(config, health, overrides) < config.quorum;
  }
  // Of all_down = drop, too: whoever wants nobody to answer says so.
  bool needs_sorry_server() const {
    if (!config.has_sorry_server || !short_of_quorum() || keeps_any()) return false;
    const bool nobody = usable_weight(config, health, overrides) == 0;
    return !nobody || (config.all_down != AllDown::Drop && config.all_down != AllDown::Withdraw);
  }
  std::uint32_t slow_start(const RealServerConfig& server) const {
    const auto found = pools.slow_starts.find({config.name, server.name});
    return found == pools.slow_starts.end() ? 100 : found->second;
  }
};

// Where a service names no local addresses, those of the engine are written into the table.
ServiceOptions with_local_addresses(ServiceOptions options, const Service& service, const EngineConfig& engine) {
  const auto needs = [](const RealServer& server) { return server.method == Method::Fullnat; };
  if (options.local_addresses.empty() && std::any_of(service.servers.begin(), service.servers.end(), needs))
    options.local_addresses = engine.local_addresses;
  return options;
}

RealServer desired_server(const RealServerConfig& config, const Subject& subject, bool sorry) {
  const auto standing = subject.standing(config);
  const bool kept = subject.keeps(config.name);
  const bool takes_none = standing.checked != ServerState::up || standing.state == ServerState::disabled;
  const bool quiesced = config.policy.on_failure == OnFailure::Quiesce && standing.state == ServerState::down;
  const bool aside = sorry || subject.wanted(config).drain;
  RealServer server{config.name, config.address, config.method, standing.weight, takes_none && !kept && !quiesced,
                    aside,       config.options};
  if (sorry || (takes_none && !kept)) server.weight = 0;
  if (server.weight > 0) server.weight = std::max(1u, server.weight * subject.slow_start(config) / 100);
  return server;
}

VirtualServer virtual_server(const VirtualServerConfig& config) {
  return {config.name, config.listeners, config.scheduler, config.scheduler_flags, config.options};
}

Service desired_service(const Subject& subject, const EngineConfig& engine) {
  const auto& config = subject.config;
  Service service{virtual_server(config), {}};
  const bool sorry = subject.needs_sorry_server();
  for (const auto& server : config.servers) service.servers.push_back(desired_server(server, subject, sorry));
  if (sorry)
    service.servers.push_back({kSorry, config.sorry_server.address, config.sorry_server.method, 1, false, false,
                               config.sorry_server.options});
  service.virtual_server.options = with_local_addresses(config.options, service, engine);
  return service;
}

std::string words(const ServerOverride& wanted) {
  std::string text = wanted.disable ? "disable" : wanted.drain ? "drain" : "";
  const char* comma = text.empty() ? "" : ", ";
  if (wanted.weight) return text + comma + "weight " + std::to_string(*wanted.weight);
  if (wanted.percent) return text + comma + "weight " + std::to_string(*wanted.percent) + "%";
  return text;
}

// The servers in the order of the configuration, then what the backend has besides.
void describe_servers(ServiceStatus& status, const Subject& subject) {
  const auto& config = subject.config;
  auto measured = std::exchange(status.servers, {});
  for (const auto& server : config.servers) {
    const auto at = std::find_if(measured.begin(), measured.end(), [&](const ServerStatus& s) {
      return s.name == server.name && s.state != ServerState::drain;
    });
    ServerStatus entry;
    if (at != measured.end()) {
      entry = std::move(*at);
      measured.erase(at);
    } else {  // not in force yet
      entry.name = server.name;
      entry.address = server.address;
      entry.method = name(server.method);
    }
    entry.weight = server.weight;
    entry.max_connections = server.options.max_connections;
    entry.checks = server.checks;
    entry.state = subject.standing(server).state;
    entry.kept = subject.keeps(server.name);
    entry.slow_start_percent = subject.slow_start(server);
    entry.overridden = words(subject.wanted(server));
    status.servers.push_back(std::move(entry));
  }
  for (auto& rest : measured) {
    const bool sorry = rest.name == kSorry && rest.state != ServerState::drain && config.has_sorry_server;
    rest.state = sorry ? ServerState::sorry : ServerState::drain;
    status.servers.push_back(std::move(rest));
  }
}

ServiceState service_state(const Subject& subject) {
  if (subject.needs_sorry_server()) return ServiceState::sorry;
  if (subject.keeps_any()) return ServiceState::degraded;
  if (usable_weight(subject.config, subject.health, subject.overrides) == 0) return ServiceState::down;
  const auto& servers = subject.config.servers;
  const bool all = std::all_of(servers.begin(), servers.end(),
                               [&](const auto& server) { return subject.standing(server).usable(); });
  return all ? ServiceState::ok : ServiceState::degraded;
}

ServiceStatus not_in_force(const VirtualServerConfig& config) { return ipvs::describe(virtual_server(config)); }

}  // namespace

ServiceTable desired(const Config& config, const HealthView& health, const OverrideView& overrides,
                     const PoolView& pools) {
  ServiceTable table;
  for (const auto& service : config.virtual_servers) {
    table.emplace(service.name, desired_service({service, health, overrides, pools}, config.engine));
  }
  return table;
}

StatesChanged states_of(const Config& config, const HealthView& health, const OverrideView& overrides,
                        const PoolView& pools) {
  StatesChanged states;
  states.complete = true;
  for (const auto& service : config.virtual_servers) {
    const Subject subject{service, health, overrides, pools};
    const bool withdrawn = subject.past() && subject.past()->withdrawn;
    states.services.push_back({service.name, service_state(subject), !subject.short_of_quorum(), withdrawn});
    for (const auto& server : service.servers) {
      states.servers.push_back({service.name, server.name, subject.standing(server).state, subject.keeps(server.name)});
    }
  }
  return states;
}

StatesChanged news(const std::optional<StatesChanged>& told, const StatesChanged& now) {
  if (!told) return now;
  StatesChanged out;
  std::map<std::pair<std::string_view, std::string_view>, const StatesChanged::Server*> servers;
  for (const auto& s : told->servers) servers[{s.service, s.server}] = &s;
  for (const auto& s : now.servers) {
    const auto before = servers.find({s.service, s.server});
    if (before == servers.end() || *before->second != s) out.servers.push_back(s);
  }
  std::map<std::string_view, const StatesChanged::Service*> services;
  for (const auto& s : told->services) services[s.name] = &s;
  for (const auto& s : now.services) {
    const auto before = services.find(s.name);
    if (before == services.end() || *before->second != s) out.services.push_back(s);
  }
  return out;
}

void describe(std::vector<ServiceStatus>& measured, const Config& config, const HealthView& health,
              const OverrideView& overrides, const PoolView& pools) {
  std::map<std::string, ServiceStatus> by_name;
  for (auto& status : std::exchange(measured, {})) by_name.emplace(status.name, std::move(status));
  for (const auto& service : config.virtual_servers) {
    const Subject subject{service, health, overrides, pools};
    auto found = by_name.extract(service.name);
    auto status = found ? std::move(found.mapped()) : not_in_force(service);
    status.quorum = service.quorum;
    status.hysteresis = service.hysteresis;
    status.usable_weight = usable_weight(service, health, overrides);
    status.short_of_quorum = subject.short_of_quorum();
    status.withdrawn = subject.past() && subject.past()->withdrawn;
    status.all_down = name(service.all_down);
    status.state = service_state(subject);
    describe_servers(status, subject);
    measured.push_back(std::move(status));
  }
  for (auto& [name, status] : by_name) {  // removed from the configuration, draining
    status.state = ServiceState::down;
    for (auto& server : status.servers) server.state = ServerState::drain;
    measured.push_back(std::move(status));
  }
}

}  // namespace lvsd::ipvs

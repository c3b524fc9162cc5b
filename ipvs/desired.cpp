#include "ipvs/desired.hpp"

#include <algorithm>
#include <utility>

#include "ipvs/describe.hpp"
#include "ipvs/names.hpp"

namespace lvsd::ipvs {
namespace {

constexpr const char* kSorry = "sorry";

constexpr std::uint32_t kMostWeight = 65535;

// A service with what is known and wanted of its servers besides the configuration.
struct Subject {
  const VirtualServerConfig& config;
  const HealthView& health;
  const OverrideView& overrides;

  ServerOverride override_of(const RealServerConfig& server) const {
    const auto found = overrides.find({config.name, server.name});
    return found == overrides.end() ? ServerOverride{} : found->second;
  }
};

// What the checks say.
ServerState checked_state(const RealServerConfig& server, const HealthView& health) {
  auto state = ServerState::up;
  for (const auto& check : server.checks) {
    const auto known = health.find(check);
    if (known == health.end()) {
      state = ServerState::unknown;
    } else if (!known->second) {
      return ServerState::down;
    }
  }
  return state;
}

ServerState state_of(const RealServerConfig& server, const Subject& subject) {
  const auto wanted = subject.override_of(server);
  if (wanted.disable) return ServerState::disabled;
  return wanted.drain ? ServerState::drain : checked_state(server, subject.health);
}

bool is_down(const RealServerConfig& server, const Subject& subject) {
  return subject.override_of(server).disable || checked_state(server, subject.health) != ServerState::up;
}

// While its checks pass.
std::uint32_t wanted_weight(const RealServerConfig& server, const ServerOverride& wanted) {
  if (wanted.drain || wanted.disable) return 0;
  if (wanted.weight) return *wanted.weight;
  if (!wanted.percent) return server.weight;
  const auto share = (std::uint64_t{server.weight} * *wanted.percent + 50) / 100;
  const std::uint64_t least = server.weight > 0 && *wanted.percent > 0 ? 1 : 0;
  return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(share, least, kMostWeight));
}

std::uint64_t usable_weight(const Subject& subject) {
  std::uint64_t sum = 0;
  for (const auto& server : subject.config.servers) {
    if (!is_down(server, subject)) sum += wanted_weight(server, subject.override_of(server));
  }
  return sum;
}

bool needs_sorry_server(const Subject& subject) {
  return subject.config.has_sorry_server && usable_weight(subject) < subject.config.quorum;
}

VirtualServer virtual_server(const VirtualServerConfig& config) {
  return {config.name, config.listeners, config.scheduler, config.scheduler_flags, config.options};
}

Service desired_service(const Subject& subject) {
  const auto& config = subject.config;
  Service service{virtual_server(config), {}};
  const bool sorry = needs_sorry_server(subject);
  for (const auto& server : config.servers) {
    const bool down = is_down(server, subject);
    const auto weight = down || sorry ? 0 : wanted_weight(server, subject.override_of(server));
    service.servers.push_back({server.name, server.address, server.method, weight, down, sorry, server.options});
  }
  if (sorry)
    service.servers.push_back({kSorry, config.sorry_server.address, config.sorry_server.method, 1, false, false,
                               config.sorry_server.options});
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
    entry.state = state_of(server, subject);
    entry.overridden = words(subject.override_of(server));
    status.servers.push_back(std::move(entry));
  }
  for (auto& rest : measured) {
    const bool sorry = rest.name == kSorry && rest.state != ServerState::drain && config.has_sorry_server;
    rest.state = sorry ? ServerState::sorry : ServerState::drain;
    status.servers.push_back(std::move(rest));
  }
}

ServiceState service_state(const Subject& subject) {
  if (needs_sorry_server(subject)) return ServiceState::sorry;
  if (usable_weight(subject) == 0) return ServiceState::down;
  const auto& servers = subject.config.servers;
  const bool all = std::all_of(servers.begin(), servers.end(),
                               [&](const auto& server) { return state_of(server, subject) == ServerState::up; });
  return all ? ServiceState::ok : ServiceState::degraded;
}

ServiceStatus not_in_force(const VirtualServerConfig& config) { return ipvs::describe(virtual_server(config)); }

}  // namespace

OverrideView view_of(const Overrides& overrides) {
  OverrideView view;
  for (const auto& o : overrides.overrides) {
    auto& server = view[{o.service, o.server}];
    switch (o.kind) {
      case OverrideKind::drain:
        server.drain = true;
        break;
      case OverrideKind::disable:
        server.disable = true;
        break;
      case OverrideKind::weight:
        server.weight = std::min(o.value, kMostWeight);
        break;
      case OverrideKind::percent:
        server.percent = o.value;
        break;
    }
  }
  return view;
}

bool has_quorum(const VirtualServerConfig& service, const HealthView& health, const OverrideView& overrides) {
  return usable_weight({service, health, overrides}) >= service.quorum;
}

ServiceTable desired(const Config& config, const HealthView& health, const OverrideView& overrides) {
  ServiceTable table;
  for (const auto& service : config.virtual_servers) {
    table.emplace(service.name, desired_service({service, health, overrides}));
  }
  return table;
}

void describe(std::vector<ServiceStatus>& measured, const Config& config, const HealthView& health,
              const OverrideView& overrides) {
  std::map<std::string, ServiceStatus> by_name;
  for (auto& status : std::exchange(measured, {})) by_name.emplace(status.name, std::move(status));
  for (const auto& service : config.virtual_servers) {
    const Subject subject{service, health, overrides};
    auto found = by_name.extract(service.name);
    auto status = found ? std::move(found.mapped()) : not_in_force(service);
    status.quorum = service.quorum;
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

#include "ipvs/desired.hpp"

#include <algorithm>
#include <utility>

#include "ipvs/names.hpp"

namespace lvsd::ipvs {
namespace {

constexpr const char* kSorry = "sorry";

ServerState state_of(const RealServerConfig& server, const HealthView& health) {
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

std::uint64_t usable_weight(const VirtualServerConfig& service, const HealthView& health) {
  std::uint64_t sum = 0;
  for (const auto& server : service.servers) {
    if (state_of(server, health) == ServerState::up) sum += server.weight;
  }
  return sum;
}

bool needs_sorry_server(const VirtualServerConfig& service, const HealthView& health) {
  return service.has_sorry_server && usable_weight(service, health) < service.quorum;
}

Service desired_service(const VirtualServerConfig& config, const HealthView& health) {
  Service service{{config.name, config.listeners, config.scheduler, config.scheduler_flags}, {}};
  const bool sorry = needs_sorry_server(config, health);
  for (const auto& server : config.servers) {
    const bool down = state_of(server, health) != ServerState::up;
    const auto weight = down || sorry ? 0 : server.weight;
    service.servers.push_back({server.name, server.address, server.method, weight, down, sorry});
  }
  if (sorry)
    service.servers.push_back({kSorry, config.sorry_server.address, config.sorry_server.method, 1, false, false});
  return service;
}

// The servers in the order of the configuration, then what the backend has besides.
void describe_servers(ServiceStatus& status, const VirtualServerConfig& config, const HealthView& health) {
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
    entry.checks = server.checks;
    entry.state = state_of(server, health);
    status.servers.push_back(std::move(entry));
  }
  for (auto& rest : measured) {
    const bool sorry = rest.name == kSorry && rest.state != ServerState::drain && config.has_sorry_server;
    rest.state = sorry ? ServerState::sorry : ServerState::drain;
    status.servers.push_back(std::move(rest));
  }
}

ServiceState service_state(const VirtualServerConfig& config, const HealthView& health) {
  if (needs_sorry_server(config, health)) return ServiceState::sorry;
  if (usable_weight(config, health) == 0) return ServiceState::down;
  const bool all = std::all_of(config.servers.begin(), config.servers.end(),
                               [&](const auto& server) { return state_of(server, health) == ServerState::up; });
  return all ? ServiceState::ok : ServiceState::degraded;
}

ServiceStatus not_in_force(const VirtualServerConfig& config) {
  ServiceStatus status;
  status.name = config.name;
  for (const auto& listener : config.listeners) {
    status.listeners.push_back({std::string{name(listener.protocol)}, listener.address});
  }
  status.scheduler = name(config.scheduler);
  status.scheduler_flags = flag_names(config.scheduler, config.scheduler_flags);
  return status;
}

}  // namespace

ServiceTable desired(const Config& config, const HealthView& health) {
  ServiceTable table;
  for (const auto& service : config.virtual_servers) table.emplace(service.name, desired_service(service, health));
  return table;
}

void describe(std::vector<ServiceStatus>& measured, const Config& config, const HealthView& health) {
  std::map<std::string, ServiceStatus> by_name;
  for (auto& status : std::exchange(measured, {})) by_name.emplace(status.name, std::move(status));
  for (const auto& service : config.virtual_servers) {
    auto found = by_name.extract(service.name);
    auto status = found ? std::move(found.mapped()) : not_in_force(service);
    status.quorum = service.quorum;
    status.state = service_state(service, health);
    describe_servers(status, service, health);
    measured.push_back(std::move(status));
  }
  for (auto& [name, status] : by_name) {  // removed from the configuration, draining
    status.state = ServiceState::down;
    for (auto& server : status.servers) server.state = ServerState::drain;
    measured.push_back(std::move(status));
  }
}

}  // namespace lvsd::ipvs

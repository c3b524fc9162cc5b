// What a core tells about itself: the table for diff, the numbers and connections for people.
#include <algorithm>
#include <string_view>

#include "ipvs/describe.hpp"
#include "ipvs/engine/core.hpp"
#include "ipvs/engine/core_impl.hpp"
#include "ipvs/engine/network_order.hpp"
#include "ipvs/names.hpp"

namespace lvsd::ipvs::engine {
namespace {

ServerStatus describe(const LiveServer& server) {
  ServerStatus status;
  status.name = server.config.name;
  status.address = server.config.address;
  status.method = ipvs::name(server.config.method);
  status.weight = server.config.weight;
  status.effective_weight = server.draining || server.config.down ? 0 : server.config.weight;
  status.state = server.draining ? ServerState::drain : server.config.down ? ServerState::down : ServerState::up;
  status.active_connections = server.active;
  status.inactive_connections = server.total - server.active;
  status.statistics = server.estimator.with_rates(*server.counters);
  status.overloaded = server.overloaded;
  status.unanswered_connections = server.unanswered;
  status.persistent_connections = server.templates;
  status.max_connections = server.config.options.max_connections;
  status.min_connections = server.config.options.min_connections;
  if (server.config.method != Method::Tun) return status;
  const auto& tunnel = server.config.options.tunnel;
  status.tunnel = ipvs::name(tunnel.kind);
  status.tunnel_port = tunnel.port;
  status.tunnel_checksum = ipvs::name(tunnel.checksum);
  return status;
}

ServiceStatus describe(const Services& services, const LiveService& service) {
  auto status = ipvs::describe(service.config);
  status.state = service.removed ? lvsd::ipvs::ServiceState::down : lvsd::ipvs::ServiceState::ok;
  status.statistics = service.estimator.with_rates(services.totals(service));
  for (const auto slot : service.servers) status.servers.push_back(describe(services.server(slot)));
  for (const auto slot : service.draining) status.servers.push_back(describe(services.server(slot)));
  return status;
}

// A template stands for all listeners of its service; the first one is shown.
ConnectionStatus describe_template(const EngineState& state, const Connection& c, std::uint32_t now) {
  const auto& server = state.services.server(c.server);
  const auto& service = server.service->config;
  ConnectionStatus status;
  status.protocol = c.protocol == Connection::kAnyProtocol ? "ip" : ipvs::name(static_cast<Protocol>(c.protocol));
  status.state = engine::name(c.state);
  const bool by_call = c.client_port != 0;
  if (!by_call) status.client = to_endpoint(state.connections.ends(c).client, 0);
  if (!service.listeners.empty()) status.virtual_address.address = service.listeners.front().address.address;
  if (service.listeners.size() == 1) status.virtual_address.port = service.listeners.front().address.port;
  status.server_address = server.config.address;
  status.service = service.name;
  status.server = server.config.name;
  const auto left = base::milliseconds(service.options.persistence.timeout) - idle_milliseconds(c, now);
  status.expires_in_s = std::max<std::int64_t>(left, 0) / 1000;
  return status;
}

ConnectionStatus describe(const EngineState& state, const Connection& c, std::uint32_t now) {
  if (c.is_template()) return describe_template(state, c, now);
  const auto& server = state.services.server(c.server);
  ConnectionStatus status;
  status.protocol = ipvs::name(static_cast<Protocol>(c.protocol));
  status.state = engine::name(c.state);
  const auto ends = state.connections.ends(c);
  status.client = to_endpoint(ends.client, c.client_port);
  status.virtual_address = to_endpoint(ends.virtual_address, c.virtual_port);
  status.server_address = {server.config.address.address, swap_port(c.server_port)};
  if (c.fullnat()) status.local_address = to_endpoint(ends.local, c.local_port);
  status.service = server.service->config.name;
  status.server = server.config.name;
  status.expires_in_s = std::max(state.limits.of(c.state) - idle_milliseconds(c, now), 0) / 1000;
  status.in_packets = c.in_packets;
  return status;
}

}  // namespace

ServiceTable Core::table() const {
  ServiceTable table;
  const auto& services = impl_->state.services;
  for (const auto& [key, service] : services.all()) {
    if (service->removed) continue;
    auto& entry = table[service->config.name];
    entry.virtual_server = service->config;
    for (const auto slot : service->servers) entry.servers.push_back(services.server(slot).config);
  }
  return table;
}

std::vector<ServiceStatus> Core::status() const {
  std::vector<ServiceStatus> all;
  const auto& services = impl_->state.services;
  for (const auto& [key, service] : services.all()) all.push_back(describe(services, *service));
  return all;
}

Connections Core::connections(const ConnectionsQuery& query, base::TimePoint now) const {
  Connections answer;
  answer.id = query.id;
  const auto client = base::IpAddress::parse(query.client);
  if (!query.client.empty() && !client) return answer;
  const auto& state = impl_->state;
  for (const auto& c : state.connections.all().first(state.connections.used())) {
    if (c.is_free() || (!c.is_template() && state.is_expired(c, stamp(now)))) continue;
    const auto& server = state.services.server(c.server);
    if (!query.client.empty() && state.connections.ends(c).client != to_packet(*client)) continue;
    if (!query.service.empty() && server.service->config.name != query.service) continue;
    if (!query.server.empty() && server.config.name != query.server) continue;
    if (answer.total++ < query.limit) answer.connections.push_back(describe(state, c, stamp(now)));
  }
  return answer;
}

}  // namespace lvsd::ipvs::engine

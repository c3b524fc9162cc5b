#include "ipvs/kernel/wanted.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "ipvs/names.hpp"

namespace lvsd::ipvs::kernel {
namespace {

std::vector<ServiceKey> keys_of(const VirtualServer& virtual_server) {
  if (const auto mark = virtual_server.options.fwmark) return {{mark, virtual_server.options.family, 0, {}}};
  std::vector<ServiceKey> keys;
  for (const auto& listener : virtual_server.listeners) {
    keys.push_back(
        {0, listener.address.address.family(), static_cast<std::uint16_t>(listener.protocol), listener.address});
  }
  return keys;
}

// IPv4: a mask in network order, as the kernel keeps it; IPv6: the length itself.
std::uint32_t netmask(std::uint8_t prefix, base::Family family) {
  if (family == base::Family::V6) return prefix ? prefix : 128;
  const auto mask = base::IpAddress::v4(~std::uint32_t{0} << (32 - (prefix ? prefix : 32)));
  std::uint32_t raw = 0;
  std::copy_n(mask.data(), 4, reinterpret_cast<std::uint8_t*>(&raw));
  return raw;
}

ServiceSettings settings_of(const VirtualServer& virtual_server, base::Family family) {
  const auto& [persistence, one_packet, fwmark, mark_family, local_addresses, max_connections, fast_path] =
      virtual_server.options;
  ServiceSettings settings;
  settings.scheduler = name(virtual_server.scheduler);
  if (virtual_server.flags.fallback) settings.flags |= kSchedulerFlag1;
  if (virtual_server.flags.port) settings.flags |= kSchedulerFlag2;
  if (one_packet) settings.flags |= kOnePacket;
  settings.netmask = netmask(persistence.prefix, family);
  if (persistence.timeout > base::Duration{}) {
    settings.flags |= kPersistent;
    settings.timeout = static_cast<std::uint32_t>(std::chrono::ceil<std::chrono::seconds>(persistence.timeout).count());
    if (persistence.sip_call_id) settings.engine = "sip";
  }
  return settings;
}

Forward forward_of(Method method) {
  switch (method) {
    case Method::Dr:
      return Forward::DirectRoute;
    case Method::Tun:
      return Forward::Tunnel;
    case Method::Nat:
    case Method::Fullnat:
      break;
  }
  return Forward::Masquerade;
}

DestinationSettings settings_of(const RealServer& server) {
  DestinationSettings settings;
  settings.forward = forward_of(server.method);
  settings.weight = server.weight;
  settings.upper = server.options.max_connections;
  settings.lower = server.options.min_connections;
  if (server.method == Method::Tun) {
    settings.tunnel_type = static_cast<std::uint8_t>(server.options.tunnel.kind);
    settings.tunnel_port = server.options.tunnel.port;
    settings.tunnel_flags = static_cast<std::uint16_t>(server.options.tunnel.checksum);
  }
  return settings;
}

base::Endpoint destination_of(const RealServer& server, const ServiceKey& service) {
  return {server.address.address, server.address.port ? server.address.port : service.address.port};
}

void add(std::vector<Destination>& among, const Destination& one) {
  const auto at = std::find_if(among.begin(), among.end(), [&](const auto& d) { return d.address == one.address; });
  if (at == among.end()) {
    among.push_back(one);
  } else if (at->settings.weight == 0) {
    at->settings = one.settings;
  }
}

}  // namespace

KernelTable wanted(const ServiceTable& table) {
  KernelTable out;
  for (const auto& [name, service] : table) {
    for (const auto& key : keys_of(service.virtual_server)) {
      auto& made = out.emplace_back();
      made.key = key;
      made.settings = settings_of(service.virtual_server, key.family);
      for (const auto& server : service.servers) {
        Destination destination;
        destination.address = destination_of(server, key);
        destination.settings = settings_of(server);
        add(made.destinations, destination);
      }
    }
  }
  return out;
}

std::string impossible(const ipvs::Service& service) {
  const auto& virtual_server = service.virtual_server;
  const auto& options = virtual_server.options;
  const bool persistent = options.persistence.timeout > base::Duration{};
  if (options.max_connections) return "max_connections of a whole service";
  for (const auto& server : service.servers) {
    if (server.method == Method::Fullnat) return "method = fullnat";
  }
  if (options.fwmark) return "";
  for (const auto& listener : virtual_server.listeners) {
    if (listener.last_port) return "a port range without a firewall mark";
    if (listener.all_ports() && !persistent) return "all ports without persistence or a firewall mark";
  }
  if (persistent && virtual_server.listeners.size() > 1)
    return "persistence over several listeners without a firewall mark";
  return "";
}

void Names::remember(const ServiceTable& table) {
  for (const auto& [name, service] : table) {
    for (const auto& key : keys_of(service.virtual_server)) {
      services_[key] = name;
      for (const auto& server : service.servers) servers_[{key, destination_of(server, key)}] = server.name;
    }
  }
}

const std::string* Names::service(const ServiceKey& key) const {
  const auto at = services_.find(key);
  return at == services_.end() ? nullptr : &at->second;
}

std::string Names::server(const ServiceKey& key, const base::Endpoint& destination) const {
  const auto at = servers_.find({key, destination});
  return at == servers_.end() ? destination.to_string() : at->second;
}

}  // namespace lvsd::ipvs::kernel

#include "ipvs/kernel/reading.hpp"

#include <algorithm>
#include <array>
#include <bit>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include "ipvs/names.hpp"

namespace lvsd::ipvs::kernel {
namespace {

void add(Statistics& sum, const Statistics& s) {
  sum.connections += s.connections;
  sum.in_packets += s.in_packets;
  sum.out_packets += s.out_packets;
  sum.in_bytes += s.in_bytes;
  sum.out_bytes += s.out_bytes;
  sum.connections_per_second += s.connections_per_second;
  sum.in_packets_per_second += s.in_packets_per_second;
  sum.out_packets_per_second += s.out_packets_per_second;
  sum.in_bytes_per_second += s.in_bytes_per_second;
  sum.out_bytes_per_second += s.out_bytes_per_second;
}

std::string_view method_word(Forward forward) {
  if (forward == Forward::DirectRoute) return "dr";
  if (forward == Forward::Tunnel) return "tun";
  return forward == Forward::Local ? "local" : "nat";
}

std::string_view forward_word(Forward forward) {
  constexpr std::array<std::string_view, 4> kWords{"Masq", "Local", "Tunnel", "Route"};
  const auto number = static_cast<std::size_t>(forward);
  return number < kWords.size() ? kWords[number] : "";
}

std::string protocol_word(std::uint16_t protocol) {
  if (protocol == IPPROTO_TCP) return "tcp";
  if (protocol == IPPROTO_UDP) return "udp";
  return protocol == IPPROTO_SCTP ? "sctp" : fmt::format("{}", protocol);
}

ServiceStatus empty_status(const VirtualServer& virtual_server) {
  ServiceStatus status;
  status.name = virtual_server.name;
  for (const auto& listener : virtual_server.listeners)
    status.listeners.push_back({std::string{name(listener.protocol)}, listener.address});
  status.scheduler = name(virtual_server.scheduler);
  status.scheduler_flags = flag_names(virtual_server.scheduler, virtual_server.flags);
  return status;
}

ServerStatus& server_entry(ServiceStatus& status, const std::string& name, const Destination& d, bool wanted) {
  auto& servers = status.servers;
  const auto state = wanted ? ServerState::unknown : ServerState::drain;  // what health says is added later
  const auto at = std::find_if(servers.begin(), servers.end(),
                               [&](const ServerStatus& s) { return s.name == name && s.state == state; });
  if (at != servers.end()) return *at;
  ServerStatus entry;
  entry.name = name;
  entry.address = d.address;
  entry.method = method_word(d.settings.forward);
  entry.weight = entry.effective_weight = d.settings.weight;
  entry.state = state;
  servers.push_back(std::move(entry));
  return servers.back();
}

const RealServer* named(const Service& of, const ServiceTable& desired, const std::string& service,
                        const Destination& d, const Names& names) {
  const auto at = desired.find(service);
  if (at == desired.end()) return nullptr;
  const auto server = names.server(of.key, d.address);
  const auto& list = at->second.servers;
  const auto found = std::find_if(list.begin(), list.end(), [&](const RealServer& s) {
    return s.name == server && s.address.address == d.address.address;
  });
  return found == list.end() ? nullptr : &*found;
}

void add(ServiceStatus& status, const Service& service, const ServiceTable& desired, const Names& names) {
  add(status.statistics, service.statistics);
  for (const auto& d : service.destinations) {
    const auto* wanted = named(service, desired, status.name, d, names);
    auto& entry = server_entry(status, names.server(service.key, d.address), d, wanted != nullptr);
    if (wanted) entry.address = wanted->address;
    entry.active_connections += d.active;
    entry.inactive_connections += d.inactive;
    add(entry.statistics, d.statistics);
  }
}

// Those that ipvsadm knows by name; the others by number.
std::vector<std::string> flag_words(const ServiceSettings& settings) {
  const bool named = settings.scheduler == "sh" || settings.scheduler == "mh";
  std::vector<std::string> words;
  if (settings.flags & kSchedulerFlag1) words.push_back(named ? settings.scheduler + "-fallback" : "flag-1");
  if (settings.flags & kSchedulerFlag2) words.push_back(named ? settings.scheduler + "-port" : "flag-2");
  if ((settings.flags & kSchedulerFlag3) && !named) words.push_back("flag-3");  // ipvsadm leaves it out beside names
  return words;
}

std::string mask_text(const Service& service) {
  const auto mask = service.settings.netmask;
  if (service.key.family == base::Family::V6) return mask == 128 ? "" : fmt::format("{}", mask);
  if (mask == ~std::uint32_t{0}) return "";
  return base::IpAddress::v4(ntohl(mask)).to_string();
}

ListedServer listed(const Destination& d) {
  constexpr std::array<std::string_view, 3> kTunnels{"ipip", "gue", "gre"};
  ListedServer out;
  out.address = d.address;
  out.forward = forward_word(d.settings.forward);
  out.weight = d.settings.weight;
  out.upper_threshold = d.settings.upper;
  out.lower_threshold = d.settings.lower;
  out.active_connections = d.active;
  out.inactive_connections = d.inactive;
  out.persistent_connections = d.persistent;
  out.statistics = d.statistics;
  if (d.settings.forward == Forward::Tunnel && d.settings.tunnel_type < kTunnels.size()) {
    out.tunnel = kTunnels[d.settings.tunnel_type];
    out.tunnel_port = d.settings.tunnel_port;
    out.tunnel_checksum = d.settings.tunnel_flags & 2 ? "remote" : d.settings.tunnel_flags & 1 ? "full" : "none";
  }
  return out;
}

ListedService listed(const Service& service) {
  ListedService out;
  out.fwmark = service.key.fwmark;
  out.ipv6 = service.key.family == base::Family::V6;
  if (!out.fwmark) out.protocol = protocol_word(service.key.protocol);
  out.address = service.key.address;
  out.scheduler = service.settings.scheduler;
  out.scheduler_flags = flag_words(service.settings);
  out.persistent = service.settings.flags & kPersistent;
  out.persistence_s = service.settings.timeout;
  out.netmask = mask_text(service);
  out.persistence_engine = service.settings.engine;
  out.one_packet = service.settings.flags & kOnePacket;
  out.statistics = service.statistics;
  for (const auto& d : service.destinations) out.servers.push_back(listed(d));
  return out;
}

std::uint16_t protocol_number(std::string_view word) {
  if (word == "TCP") return IPPROTO_TCP;
  if (word == "UDP") return IPPROTO_UDP;
  if (word == "SCTP") return IPPROTO_SCTP;
  return 0;
}

std::string lower(std::string text) {
  for (auto& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return text;
}

// Services that may hold the connection: a mark's template names the mark; else the address, the address on all ports.
std::vector<ServiceKey> keys_of(const ListedConnection& c) {
  const auto family = c.virtual_address.address.family();
  const auto protocol = protocol_number(c.protocol);
  if (!protocol) {
    const auto& bytes = c.virtual_address.address.bytes();
    const auto at = family == base::Family::V4 ? 0U : 12U;
    const auto mark = std::uint32_t{bytes[at]} << 24 | std::uint32_t{bytes[at + 1]} << 16 |
                      std::uint32_t{bytes[at + 2]} << 8 | bytes[at + 3];
    return {{mark, family, 0, {}}};
  }
  return {{0, family, protocol, c.virtual_address}, {0, family, protocol, {c.virtual_address.address, 0}}};
}

}  // namespace

std::vector<ServiceStatus> statuses(const KernelTable& table, const ServiceTable& desired, const Names& names) {
  std::map<std::string, ServiceStatus> by_name;
  for (const auto& [name, service] : desired) by_name.emplace(name, empty_status(service.virtual_server));
  for (const auto& service : table) {
    const auto* name = names.service(service.key);
    if (!name) continue;
    auto& status = by_name[*name];
    if (status.name.empty()) {  // drains
      status.name = *name;
      status.scheduler = service.settings.scheduler;
      status.listeners.push_back({protocol_word(service.key.protocol), service.key.address});
    }
    add(status, service, desired, names);
  }
  std::vector<ServiceStatus> out;
  for (auto& [name, status] : by_name) out.push_back(std::move(status));
  return out;
}

Listing listing(const KernelTable& table, const Info& info, const ProtocolTimeouts& timeouts,
                const std::vector<SyncDaemon>& daemons) {
  Listing out;
  out.version = fmt::format("{}.{}.{}", info.version >> 16 & 0xff, info.version >> 8 & 0xff, info.version & 0xff);
  out.size = info.connection_table_size;
  out.timeout_tcp_s = timeouts.tcp;
  out.timeout_tcp_fin_s = timeouts.tcp_fin;
  out.timeout_udp_s = timeouts.udp;
  for (const auto& d : daemons) {
    out.daemons.push_back({d.state == SyncState::Master, d.interface, d.id, d.max_length,
                           d.group ? d.group->to_string() : "", d.port, d.ttl});
  }
  for (const auto& service : table) out.services.push_back(listed(service));
  return out;
}

ConnectionStatus status_of(const ListedConnection& c, const Names& names) {
  ConnectionStatus status;
  status.protocol = lower(c.protocol);
  status.state = c.state;
  status.client = c.client;
  status.virtual_address = c.virtual_address;
  status.server_address = c.server;
  status.expires_in_s = c.expires_in_s;
  status.persistence_engine = c.engine;
  status.persistence_data = c.engine_data;
  for (const auto& key : keys_of(c)) {
    const auto* service = names.service(key);
    if (!service) continue;
    status.service = *service;
    status.server = names.server(key, c.server);
    break;
  }
  return status;
}

bool matches(const ConnectionStatus& c, const ConnectionsQuery& query) {
  return (query.service.empty() || c.service == query.service) && (query.server.empty() || c.server == query.server) &&
         (query.client.empty() || c.client.address.to_string() == query.client);
}

}  // namespace lvsd::ipvs::kernel

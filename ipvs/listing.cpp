#include "ipvs/listing.hpp"

#include <fmt/format.h>

namespace lvsd::ipvs {
namespace {

std::string forward_word(std::string_view method) {
  if (method == "dr") return "Route";
  if (method == "tun") return "Tunnel";
  return method == "fullnat" ? "Fullnat" : "Masq";
}

// IPv4: dotted; IPv6: the number of bits. As ipvsadm prints them.
std::string netmask_of(std::uint32_t prefix, bool ipv6) {
  if (ipv6) return fmt::format("{}", prefix);
  return base::IpAddress::v4(prefix >= 32 ? ~0u : ~(~0u >> prefix)).to_string();
}

ListedServer listed(const ServerStatus& server, const ListenerStatus& listener) {
  ListedServer out;
  out.address = server.address;
  if (out.address.port == 0) out.address.port = listener.address.port;
  out.forward = forward_word(server.method);
  out.weight = server.effective_weight;
  out.upper_threshold = server.max_connections;
  out.lower_threshold = server.min_connections;
  out.persistent_connections = server.persistent_connections;
  out.tunnel = server.tunnel;
  out.tunnel_port = server.tunnel_port;
  out.tunnel_checksum = server.tunnel_checksum;
  out.active_connections = server.active_connections;
  out.inactive_connections = server.inactive_connections;
  out.statistics = server.statistics;
  return out;
}

ListedService listed(const ServiceStatus& service, const ListenerStatus& listener) {
  ListedService out;
  out.ipv6 = !listener.address.address.is_v4();
  out.protocol = listener.protocol;
  out.address = listener.address;
  out.scheduler = service.scheduler;
  out.scheduler_flags = service.scheduler_flags;
  out.persistent = service.persistence_s != 0;
  out.persistence_s = static_cast<std::uint32_t>(service.persistence_s);
  if (service.persistence_prefix != 0) out.netmask = netmask_of(service.persistence_prefix, out.ipv6);
  out.persistence_engine = service.persistence_engine;
  out.one_packet = service.one_packet;
  out.statistics = service.statistics;
  for (const auto& server : service.servers) out.servers.push_back(listed(server, listener));
  return out;
}

std::int64_t seconds(base::Duration d) { return std::chrono::duration_cast<std::chrono::seconds>(d).count(); }

}  // namespace

Listing listing_of(const Table& table, const Timeouts& timeouts) {
  Listing listing;
  listing.version = "1.2.1";
  listing.size = table.connection_capacity;
  listing.timeout_tcp_s = seconds(timeouts.tcp);
  listing.timeout_tcp_fin_s = seconds(timeouts.tcp_fin);
  listing.timeout_udp_s = seconds(timeouts.udp);
  for (const auto& service : table.services) {
    for (const auto& listener : service.listeners) listing.services.push_back(listed(service, listener));
  }
  return listing;
}

}  // namespace lvsd::ipvs

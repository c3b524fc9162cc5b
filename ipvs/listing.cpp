#include "ipvs/listing.hpp"

namespace lvsd::ipvs {
namespace {

std::string forward_word(std::string_view method) {
  if (method == "dr") return "Route";
  if (method == "tun") return "Tunnel";
  return method == "fullnat" ? "Fullnat" : "Masq";
}

ListedServer listed(const ServerStatus& server, const ListenerStatus& listener) {
  ListedServer out;
  out.address = server.address;
  if (out.address.port == 0) out.address.port = listener.address.port;
  out.forward = forward_word(server.method);
  out.weight = server.effective_weight;
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

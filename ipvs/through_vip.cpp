#include "ipvs/through_vip.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace lvsd::ipvs {
namespace {

// Whose answer it is, the port tells that the check asked from.
std::string map_of(const char* family) {
  return fmt::format(
      "  map servers{0} {{ type inet_proto . inet_service : ipv{0}_addr; flags dynamic,timeout; timeout 2m; size "
      "65536; }}\n",
      family);
}

// Their packets keep the server's address here.
std::string tunnelled_rule(const MarkedAddress& marked, const std::vector<TunnelledCheck>& tunnelled, const char* ip,
                           const char* map) {
  std::vector<std::string> servers;
  for (const auto& check : tunnelled) {
    if (check.mark == marked.mark) servers.push_back(check.server.to_string());
  }
  if (servers.empty()) return {};
  return fmt::format(
      "    meta mark {0:#x} {1} daddr {{ {2} }} update @{3} {{ meta l4proto . th sport : {1} daddr }} accept\n",
      marked.mark, ip, fmt::join(servers, ", "), map);
}

}  // namespace

std::vector<TunnelledCheck> tunnelled_checks(const Config& config) {
  std::vector<TunnelledCheck> checks;
  const auto add = [&](const base::IpAddress& address, const RealServerConfig& server) {
    const auto& marked = config.through_vip.addresses;
    const auto at = std::ranges::find(marked, address, &MarkedAddress::address);
    if (at == marked.end() || server.address.address.family() != address.family()) return;
    const auto known = std::ranges::any_of(
        checks, [&](const auto& c) { return c.mark == at->mark && c.server == server.address.address; });
    if (!known) checks.push_back({at->mark, address, server.address.address, server.options.tunnel});
  };
  for (const auto& service : config.virtual_servers) {
    for (const auto& server : service.servers) {
      if (server.method != Method::Tun) continue;
      for (const auto& listener : service.listeners) add(listener.address.address, server);
    }
  }
  return checks;
}

std::string through_vip_rules(const std::vector<MarkedAddress>& addresses, const std::vector<TunnelledCheck>& tunnelled,
                              const std::vector<std::string>& interfaces) {
  if (addresses.empty() || interfaces.empty()) return {};
  std::string out;
  std::string in;
  for (const auto& marked : addresses) {
    const auto& [mark, address] = marked;
    const auto* ip = address.is_v4() ? "ip" : "ip6";
    const auto* map = address.is_v4() ? "servers4" : "servers6";
    out += tunnelled_rule(marked, tunnelled, ip, map);
    out += fmt::format("    meta mark {0:#x} update @{1} {{ meta l4proto . th sport : {2} daddr }} {2} daddr set {3}\n",
                       mark, map, ip, address.to_string());
    in +=
        fmt::format("    {0} saddr {1} {0} saddr set meta l4proto . th dport map @{2}\n", ip, address.to_string(), map);
  }
  const auto devices = fmt::format("{}", fmt::join(interfaces, ", "));
  return fmt::format(
      "table {0} {{\n{1}{2}"
      "  chain out {{\n    type filter hook egress devices = {{ {3} }} priority 0; policy accept;\n{4}  }}\n"
      "  chain in {{\n    type filter hook ingress devices = {{ {3} }} priority 0; policy accept;\n{5}  }}\n"
      "}}\n",
      kThroughVipTable, map_of("4"), map_of("6"), devices, out, in);
}

}  // namespace lvsd::ipvs

#include "daemon/ctl/real_server.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "daemon/ctl/select.hpp"

namespace lvsd::ctl {
namespace {

using ipvs::Method;
using Lines = std::vector<std::string>;

struct Sysctl {
  std::string name, value;
};

bool names_server(const std::string& pattern, const ipvs::VirtualServerConfig& service,
                  const ipvs::RealServerConfig& server) {
  return matches(pattern, service.name + '/' + server.name) || matches(pattern, service.name) ||
         is_address(pattern, server.address);
}

std::set<base::IpAddress> gateways_of(const vrrp::Config& vrrp, const base::IpAddress& host) {
  std::set<base::IpAddress> gateways;
  for (const auto& instance : vrrp.instances) {
    for (const auto& address : instance.virtual_addresses) {
      const bool in_network = address.prefix.length < host.size() * 8 && address.prefix.contains(host);
      if (in_network) gateways.insert(address.prefix.address);
    }
  }
  return gateways;
}

void add(RealServerNeeds& needs, const ipvs::VirtualServerConfig& service, const ipvs::RealServerConfig& server,
         const vrrp::Config& vrrp) {
  needs.names.push_back(service.name + '/' + server.name);
  needs.methods.insert(server.method);
  if (server.method == Method::Fullnat) needs.told_clients.insert(server.options.client_address);
  if (server.method == Method::Nat) needs.gateways.merge(gateways_of(vrrp, server.address.address));
  if (server.method != Method::Dr && server.method != Method::Tun) return;
  for (const auto& listener : service.listeners) needs.accepts.insert(listener.address.address);
  if (server.method == Method::Dr) return;
  needs.tunnels.insert(server.options.tunnel.kind);
  if (server.options.tunnel.kind == ipvs::TunnelKind::Gue) needs.gue_ports.insert(server.options.tunnel.port);
}

bool any_v4(const std::set<base::IpAddress>& addresses) {
  return std::ranges::any_of(addresses, &base::IpAddress::is_v4);
}
bool any_v6(const std::set<base::IpAddress>& addresses) {
  return std::ranges::any_of(addresses, [](const auto& a) { return !a.is_v4(); });
}

// The devices on which a tunnel's packets come out: the kernel's own for "from anywhere".
struct Decapsulation {
  Lines modules;
  Lines devices;
};

Decapsulation decapsulation(const RealServerNeeds& needs) {
  std::set<std::pair<std::string, std::string>> pairs;  // module, device
  const bool outer_v4 = needs.host.is_v4();
  for (const auto kind : needs.tunnels) {
    if (kind == ipvs::TunnelKind::Gre) {
      pairs.insert(outer_v4 ? std::pair{"ip_gre", "gre0"} : std::pair{"ip6_gre", "ip6gre0"});
    } else if (!outer_v4) {
      pairs.insert({"ip6_tunnel", "ip6tnl0"});
    } else {
      if (any_v4(needs.accepts)) pairs.insert({"ipip", "tunl0"});
      if (any_v6(needs.accepts)) pairs.insert({"sit", "sit0"});
    }
  }
  Decapsulation all;
  if (!needs.gue_ports.empty()) all.modules.emplace_back(outer_v4 ? "fou" : "fou6");
  for (const auto& [module, device] : pairs) {
    all.modules.push_back(module);
    all.devices.push_back(device);
  }
  return all;
}

std::vector<Sysctl> sysctls(const RealServerNeeds& needs, bool arp) {
  std::vector<Sysctl> all;
  if (arp && any_v4(needs.accepts)) {
    all.push_back({"net.ipv4.conf.all.arp_ignore", "1"});  // the larger of "all" and the interface's is in force
    all.push_back({"net.ipv4.conf.all.arp_announce", "2"});
  }
  if (!any_v4(needs.accepts)) return all;
  const auto tunnels = decapsulation(needs).devices;
  if (!tunnels.empty()) all.push_back({"net.ipv4.conf.all.rp_filter", "0"});  // the larger one is in force here too
  for (const auto& device : tunnels) all.push_back({fmt::format("net.ipv4.conf.{}.rp_filter", device), "0"});
  return all;
}

std::string host_prefix(const base::IpAddress& address) {
  return fmt::format("{}/{}", address.to_string(), address.size() * 8);
}

std::string address_command(const base::IpAddress& address) {
  // An address on lo is nobody's business outside: duplicate address detection has nothing to ask.
  return fmt::format("ip address replace {} dev lo{}", host_prefix(address), address.is_v4() ? "" : " nodad");
}

Lines tunnel_commands(const RealServerNeeds& needs) {
  const auto tunnels = decapsulation(needs);
  Lines lines;
  for (const auto& module : tunnels.modules) lines.push_back("modprobe " + module);
  for (const auto& device : tunnels.devices) lines.push_back(fmt::format("ip link set dev {} up", device));
  for (const auto port : needs.gue_ports)
    lines.push_back(fmt::format("ip{} fou add port {} gue", needs.host.is_v4() ? "" : " -6", port));
  return lines;
}

Lines remarks(const RealServerNeeds& needs) {
  Lines lines;
  if (needs.methods.contains(Method::Nat) && needs.gateways.empty()) {
    lines.push_back(
        "nat: its way to the clients must lead through the director that is master, but no VRRP instance has");
    lines.push_back("an address in its network: add one on the inside, and make it the default gateway here");
  }
  if (needs.gateways.size() > 1)
    lines.push_back("nat: more than one virtual address could be its gateway; the first was taken");
  if (needs.told_clients.contains(ipvs::ClientAddress::ProxyProtocol))
    lines.push_back("fullnat: its program must expect PROXY protocol version 2 (nginx: listen … proxy_protocol)");
  if (needs.told_clients.contains(ipvs::ClientAddress::Toa))
    lines.push_back(
        "fullnat: the client's address is TCP option 254; without a module that reads it, logs show the director");
  if (needs.methods == std::set{Method::Fullnat} && needs.told_clients == std::set{ipvs::ClientAddress::Hidden})
    lines.push_back("fullnat: this host needs no setting");
  if (any_v6(needs.accepts))
    lines.push_back(
        "IPv6: Linux answers neighbours only for the addresses of the asked interface, so lo needs no setting");
  return lines;
}

std::string heading(const RealServerNeeds& needs) {
  std::string text = fmt::format("# {} ({})", fmt::join(needs.names, ", "), needs.host.to_string());
  if (!needs.accepts.empty()) {
    Lines addresses;
    for (const auto& address : needs.accepts) addresses.push_back(address.to_string());
    text += fmt::format(" takes {}", fmt::join(addresses, ", "));
  }
  text += '\n';
  for (const auto& line : remarks(needs)) text += fmt::format("# {}\n", line);
  return text;
}

std::string gateway_command(const RealServerNeeds& needs) {
  if (needs.gateways.empty()) return {};
  return fmt::format("ip{} route replace default via {}", needs.host.is_v4() ? "" : " -6",
                     needs.gateways.begin()->to_string());
}

Lines live_commands(const RealServerNeeds& needs, bool arp) {
  Lines lines = tunnel_commands(needs);
  // Before the address: there is no moment in which it is answered for.
  for (const auto& [name, value] : sysctls(needs, arp)) lines.push_back(fmt::format("sysctl -w {}={}", name, value));
  for (const auto& address : needs.accepts) lines.push_back(address_command(address));
  if (auto gateway = gateway_command(needs); !gateway.empty()) lines.push_back(std::move(gateway));
  return lines;
}

std::string in_lines(const Lines& lines) { return lines.empty() ? "" : fmt::format("{}\n", fmt::join(lines, "\n")); }

std::string sysctl_file(const RealServerNeeds& needs) {
  const auto all = sysctls(needs, true);
  if (all.empty()) return {};
  std::string text = "# /etc/sysctl.d/60-lvs.conf\n";
  for (const auto& [name, value] : all) text += fmt::format("{} = {}\n", name, value);
  return text;
}

std::string modules_file(const RealServerNeeds& needs) {
  const auto modules = decapsulation(needs).modules;
  return modules.empty() ? "" : fmt::format("# /etc/modules-load.d/lvs.conf\n{}\n", fmt::join(modules, "\n"));
}

std::string networkd_files(const RealServerNeeds& needs) {
  std::string text = modules_file(needs) + sysctl_file(needs);
  if (!needs.accepts.empty()) {
    text += "# /etc/systemd/network/10-lvs.network\n[Match]\nName=lo\n";
    for (const auto& address : needs.accepts)
      text += fmt::format("\n[Address]\nAddress={}\n{}", host_prefix(address),
                          address.is_v4() ? "" : "DuplicateAddressDetection=none\n");
  }
  if (!needs.gateways.empty())
    text += fmt::format("# in the .network file of its interface\n[Route]\nGateway={}\n",
                        needs.gateways.begin()->to_string());
  for (const auto& line : tunnel_commands(needs)) {
    if (!line.starts_with("modprobe")) text += fmt::format("# at boot, for instance from a unit: {}\n", line);
  }
  return text;
}

std::string ifupdown_files(const RealServerNeeds& needs) {
  Lines up;
  for (const auto& line : tunnel_commands(needs)) up.push_back(line);
  for (const auto& address : needs.accepts) up.push_back(address_command(address));
  std::string text = sysctl_file(needs);
  if (!up.empty()) {
    text += "# /etc/network/interfaces.d/lvs\nauto lo\niface lo inet manual\n";
    for (const auto& line : up) text += fmt::format("    up {}\n", line);
  }
  if (!needs.gateways.empty())
    text += fmt::format("# in the stanza of its interface\n    gateway {}\n", needs.gateways.begin()->to_string());
  return text;
}

// ARP as rules instead of settings, for hosts where other addresses need the kernel's usual answers.
std::string nftables_commands(const RealServerNeeds& needs) {
  Lines addresses;
  for (const auto& address : needs.accepts) {
    if (address.is_v4()) addresses.push_back(address.to_string());
  }
  std::string text;
  if (!addresses.empty()) {
    const auto list = fmt::format("{}", fmt::join(addresses, ", "));
    text += fmt::format(
        "nft -f - <<'END'\n"
        "table arp lvs\n"
        "delete table arp lvs\n"
        "table arp lvs {{\n"
        "  chain input {{\n"
        "    type filter hook input priority 0; policy accept;\n"
        "    arp daddr ip {{ {0} }} drop\n"
        "  }}\n"
        "  chain output {{\n"
        "    type filter hook output priority 0; policy accept;\n"
        "    arp saddr ip {{ {0} }} arp saddr ip set {1}\n"
        "  }}\n"
        "}}\n"
        "END\n",
        list, needs.host.to_string());
  }
  return text + in_lines(live_commands(needs, false));
}

std::string body(const RealServerNeeds& needs, std::string_view format) {
  if (format == "sysctl") return sysctl_file(needs);
  if (format == "networkd") return networkd_files(needs);
  if (format == "ifupdown") return ifupdown_files(needs);
  if (format == "nftables") return nftables_commands(needs);
  return in_lines(live_commands(needs, true));
}

}  // namespace

base::Result<std::vector<RealServerNeeds>> real_server_needs(const daemon::Config& config,
                                                             const std::vector<std::string>& names) {
  std::set<base::IpAddress> hosts;
  std::set<std::string> unmatched{names.begin(), names.end()};
  std::vector<std::string> known;
  for (const auto& service : config.ipvs.virtual_servers) {
    for (const auto& server : service.servers) {
      known.push_back(service.name + '/' + server.name);
      bool chosen = names.empty();
      for (const auto& name : names) {
        if (!names_server(name, service, server)) continue;
        chosen = true;
        unmatched.erase(name);
      }
      if (chosen) hosts.insert(server.address.address);
    }
  }
  if (!unmatched.empty()) return no_such("real server", *unmatched.begin(), known);
  std::map<base::IpAddress, RealServerNeeds> needs;
  for (const auto& service : config.ipvs.virtual_servers) {
    for (const auto& server : service.servers) {
      const auto& host = server.address.address;
      if (!hosts.contains(host)) continue;
      needs[host].host = host;
      add(needs[host], service, server, config.vrrp);
    }
  }
  std::vector<RealServerNeeds> all;
  for (auto& [host, of_host] : needs) all.push_back(std::move(of_host));
  return all;
}

std::string setup_text(const RealServerNeeds& needs, std::string_view format) {
  return heading(needs) + body(needs, format);
}

}  // namespace lvsd::ctl

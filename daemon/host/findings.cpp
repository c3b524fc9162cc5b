#include "daemon/host/findings.hpp"

#include <algorithm>
#include <optional>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace lvsd::daemon {
namespace {

using ipvs::Backend;
using ipvs::Method;
using Findings = std::vector<HostFinding>;

bool is_engine(const Config& config) { return config.ipvs.backend == Backend::Engine; }

// Services forwarded with the method; of this family of servers where one is named.
bool has_method(const Config& config, Method method, std::optional<base::Family> family = {}) {
  return std::ranges::any_of(config.ipvs.virtual_servers, [&](const auto& service) {
    return std::ranges::any_of(service.servers, [&](const auto& server) {
      return server.method == method && (!family || server.address.address.family() == *family);
    });
  });
}

// A setting, the value it should have, and what a wrong one costs.
struct Wanted {
  HostSetting setting;
  const char* level;
  std::string why;
};

std::vector<Wanted> wanted_settings(const Config& config, const HostFacts& facts) {
  std::vector<Wanted> all;
  const bool engine = is_engine(config);
  const auto* routed = engine
                           ? "the engine forwards the clients' packets without it, but not the servers' other traffic"
                           : "the kernel does not forward the servers' answers without it";
  if (has_method(config, Method::Nat, base::Family::V4))
    all.push_back({{"net.ipv4.ip_forward", "1"}, engine ? "warn" : "fail", routed});
  if (has_method(config, Method::Nat, base::Family::V6))
    all.push_back({{"net.ipv6.conf.all.forwarding", "1"}, engine ? "warn" : "fail", routed});
  if (has_method(config, Method::Nat, base::Family::V4)) {
    const auto* why = "servers behind the same interface as their clients are told to go around the director";
    all.push_back({{"net.ipv4.conf.all.send_redirects", "0"}, "warn", why});  // the larger of all and the interface
    for (const auto& [name, features] : facts.interfaces) all.push_back({{send_redirects_of(name), "0"}, "warn", why});
  }
  if (engine)
    all.push_back({{"net.core.bpf_jit_enable", "1"}, "warn", "the XDP program is interpreted, several times slower"});
  return all;
}

bool is_right(const Wanted& wanted, const HostFacts& facts) {
  const auto at = facts.sysctls.find(wanted.setting.name);
  if (at == facts.sysctls.end()) return true;  // a kernel without it has nothing to set
  const bool jit_debug = wanted.setting.name == "net.core.bpf_jit_enable" && at->second == "2";
  return at->second == wanted.setting.value || jit_debug;
}

HostFinding kernel(const Config& config, const HostFacts& facts) {
  if (is_engine(config)) {
    if (facts.af_xdp) return {"ok", "kernel", fmt::format("{}, with AF_XDP", facts.kernel), ""};
    return {"fail", "kernel",
            fmt::format("{} has no AF_XDP (CONFIG_XDP_SOCKETS): the engine cannot work", facts.kernel),
            "a kernel of Debian's, or backend = kernel"};
  }
  if (facts.ip_vs) return {"ok", "kernel", fmt::format("{}, with IPVS", facts.kernel), ""};
  return {"fail", "kernel", fmt::format("{} has no module ip_vs", facts.kernel), "apt-get install linux-image-amd64"};
}

void interfaces(const Config& config, const HostFacts& facts, Findings& out) {
  for (const auto& name : interfaces_of(config)) {
    const auto at = facts.interfaces.find(name);
    if (at == facts.interfaces.end()) {
      out.push_back({"fail", name, "there is no such interface; lvsd waits for it", "ip link show"});
      continue;
    }
    const auto problem = is_engine(config) ? ipvs::engine::problem_of(name, at->second, true) : std::string{};
    const auto run = problem.find("; run: ");
    if (problem.empty()) {
      out.push_back(
          {"ok", name, fmt::format("MTU {}, {} receive queues", at->second.mtu, at->second.receive_queues), ""});
    } else {
      out.push_back({"warn", name, problem.substr(0, run), run == problem.npos ? "" : problem.substr(run + 7)});
    }
  }
}

void settings(const Config& config, const HostFacts& facts, Findings& out) {
  std::vector<std::string> right;
  for (const auto& wanted : wanted_settings(config, facts)) {
    const auto& [name, value] = wanted.setting;
    if (is_right(wanted, facts)) {
      right.push_back(fmt::format("{}={}", name, value));
    } else {
      out.push_back({wanted.level, name, fmt::format("is {}: {}", facts.sysctls.at(name), wanted.why),
                     fmt::format("sysctl -w {}={}", name, value)});
    }
  }
  if (!right.empty()) out.push_back({"ok", "settings", fmt::format("{}", fmt::join(right, ", ")), ""});
}

// Of nft's listing the base chains of the input hook that drop what no rule takes, as "inet filter input".
std::vector<std::string> closed_chains(const std::string& rules) {
  std::vector<std::string> closed;
  std::string table;
  std::string chain;
  for (std::size_t at = 0; at < rules.size();) {
    const auto end = std::min(rules.find('\n', at), rules.size());
    const auto first = rules.find_first_not_of(" \t", at);
    const auto line = first < end ? rules.substr(first, end - first) : std::string{};
    at = end + 1;
    if (line.starts_with("table ")) table = line.substr(6, line.find(" {") - 6);
    if (line.starts_with("chain ")) chain = line.substr(6, line.find(" {") - 6);
    const bool drops = line.find("hook input") != line.npos && line.find("policy drop") != line.npos;
    if (drops) closed.push_back(table + ' ' + chain);
  }
  return closed;
}

bool mentions_vrrp(const std::string& rules) {
  return std::ranges::any_of(std::vector{"vrrp", "protocol 112", "l4proto 112", "nexthdr 112"},
                             [&](const char* word) { return rules.find(word) != rules.npos; });
}

void firewall(const Config& config, const HostFacts& facts, Findings& out) {
  if (config.vrrp.instances.empty()) return;
  if (!facts.firewall_read) {
    out.push_back({"skip", "firewall", "nftables' rules cannot be read: run as root", ""});
    return;
  }
  const auto closed = closed_chains(facts.firewall);
  if (closed.empty() || mentions_vrrp(facts.firewall)) {
    out.push_back(
        {"ok", "firewall", closed.empty() ? "nothing drops the peers' advertisements" : "rules speak of VRRP", ""});
    return;
  }
  for (const auto& chain : closed) {
    out.push_back(
        {"fail", "firewall",
         fmt::format("chain {} drops what no rule takes, and none takes VRRP: the peers' advertisements do not "
                     "arrive, and both directors become master",
                     chain),
         fmt::format("nft insert rule {} meta l4proto vrrp accept", chain)});
  }
}

void others(const Config& config, const HostFacts& facts, Findings& out) {
  const std::set<std::string> owners{"keepalived", "vrrpd", "ucarp", "pacemakerd"};
  const std::set<std::string> tables{"ldirectord", "kube-proxy", "keepalived"};
  for (const auto& [name, pid] : facts.programs) {
    const bool addresses = owners.contains(name) && !config.vrrp.instances.empty();
    const bool table = tables.contains(name) && !is_engine(config);
    if (!addresses && !table) continue;
    out.push_back({"fail", name,
                   fmt::format("runs (pid {}): two programs that both mean to own the {}", pid,
                               addresses ? "virtual addresses" : "kernel's table"),
                   fmt::format("systemctl disable --now {}", name)});
  }
  if (!is_engine(config) || facts.kernel_services.empty()) return;
  out.push_back({"warn", "ipvs",
                 fmt::format("the kernel's table has {} too; the engine takes the packets before it",
                             fmt::join(facts.kernel_services, ", ")),
                 "ipvsadm -C, once nobody needs it"});
}

}  // namespace

std::vector<HostFinding> findings(const Config& config, const HostFacts& facts) {
  Findings all{kernel(config, facts)};
  interfaces(config, facts, all);
  settings(config, facts, all);
  firewall(config, facts, all);
  others(config, facts, all);
  return all;
}

std::vector<HostSetting> host_settings(const Config& config, const HostFacts& facts) {
  std::vector<HostSetting> all;
  for (auto& wanted : wanted_settings(config, facts)) {
    if (facts.sysctls.contains(wanted.setting.name)) all.push_back(std::move(wanted.setting));
  }
  return all;
}

std::vector<HostSetting> wrong_settings(const Config& config, const HostFacts& facts) {
  std::vector<HostSetting> wrong;
  for (auto& wanted : wanted_settings(config, facts)) {
    if (!is_right(wanted, facts)) wrong.push_back(std::move(wanted.setting));
  }
  return wrong;
}

}  // namespace lvsd::daemon

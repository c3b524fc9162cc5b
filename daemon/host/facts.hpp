// What is so on this host, as far as lvsd depends on it: read from /proc, /sys, nftables and the drivers; changes
// nothing. Judged by findings.hpp. Used by `lvsctl doctor`.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "daemon/config/config.hpp"
#include "ipvs/engine/interface_check.hpp"

namespace lvsd::daemon {

struct HostFacts {
  std::string kernel;                          // "6.1.0-28-amd64"
  bool af_xdp = false;                         // it knows such sockets
  bool ip_vs = false;                          // loaded, or there to be loaded
  std::vector<std::string> kernel_services;    // virtual servers in the kernel's table: "TCP 10.0.0.100:80"
  std::map<std::string, std::string> sysctls;  // by name; what the kernel does not have is missing
  std::map<std::string, ipvs::engine::InterfaceFeatures> interfaces;  // by name; those that exist
  std::map<std::string, std::int64_t> programs;  // pid by name, of this network namespace: those that may interfere
  std::string firewall;                          // nftables' rules of this network namespace, in nft's words
  bool firewall_read = false;                    // false: not allowed to, or no nftables
};

// Interfaces that the configuration names, for VRRP or for the engine.
std::vector<std::string> interfaces_of(const Config& config);

// The name of an interface's setting; sysctl(8) takes slashes where the interface's own name has dots.
std::string send_redirects_of(const std::string& interface);

HostFacts read_host(const Config& config);

// Puts values into force and writes `path` (a file of sysctl.d) with all of them; an existing file is replaced.
struct HostSetting {
  std::string name, value;
};
base::Result<void> set_host(const std::vector<HostSetting>& settings, const std::string& path);

}  // namespace lvsd::daemon

// What a real server's host needs so that it takes what a director forwards to it, as text to run or to install there.
// Pure. Used by `lvsctl real-server-setup`.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "daemon/config/config.hpp"

namespace lvsd::ctl {

// Of one host, for all the services that it serves.
struct RealServerNeeds {
  base::IpAddress host;
  std::vector<std::string> names;      // "web/rs1"
  std::set<ipvs::Method> methods;      // of its services
  std::set<base::IpAddress> accepts;   // virtual addresses that arrive unchanged (dr, tun); others answer for them
  std::set<std::uint16_t> gue_ports;   // method tun
  std::set<ipvs::TunnelKind> tunnels;  // the same
  std::set<base::IpAddress> gateways;  // virtual addresses in its network (nat)
  std::set<ipvs::ClientAddress> told_clients;  // fullnat: how it learns them
};

// Of the hosts whose servers match any of `names` ("web/rs1", a pattern, a service, an address); all hosts without
// names. A name that matches nothing is an error.
base::Result<std::vector<RealServerNeeds>> real_server_needs(const daemon::Config& config,
                                                             const std::vector<std::string>& names);

// "shell": commands for now; "sysctl", "networkd", "ifupdown": files for always; "nftables": instead of the ARP
// settings. Each opens with a comment that names the host.
std::string setup_text(const RealServerNeeds& needs, std::string_view format);

}  // namespace lvsd::ctl

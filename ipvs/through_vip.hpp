// Health checks that ask a server under a virtual address, as its clients do under dr: the check asks the server's own
// address with a firewall mark, and on the wire the virtual address stands in its place, both ways. Between the
// director's routing and its cable, because the kernel sends nothing to an address that is its own. As rules of
// nftables (netdev, egress and ingress; Linux 5.16). Pure; the room puts the table into force.
#pragma once

#include <string>
#include <vector>

#include "ipvs/config.hpp"

namespace lvsd::ipvs {

inline constexpr const char* kThroughVipTable = "netdev lvsd_through_vip";

// Checks with this mark that ask this server ask under the virtual address through a tunnel: their packets are left to
// through_tunnel.hpp on the way out.
struct TunnelledCheck {
  std::uint32_t mark = 0;
  base::IpAddress address;  // the virtual one
  base::IpAddress server;   // of the same family
  Tunnel tunnel;
  friend bool operator==(const TunnelledCheck&, const TunnelledCheck&) = default;
};

// One for each mark and server; where several virtual servers have both, the first says what the tunnel is.
std::vector<TunnelledCheck> tunnelled_checks(const Config& config);

// Empty when no check asks so, or no interface is there. `interfaces`: those of the configuration that exist.
std::string through_vip_rules(const std::vector<MarkedAddress>& addresses, const std::vector<TunnelledCheck>& tunnelled,
                              const std::vector<std::string>& interfaces);

}  // namespace lvsd::ipvs

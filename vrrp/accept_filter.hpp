// Accept_Mode (RFC 9568 §6.1): packets to the virtual addresses of instances with `accept = no` are dropped before they
// reach the director's own programs. The forwarding engine sees them earlier and is not concerned. Pure; the room puts
// the table into force.
#pragma once

#include <string>
#include <vector>

#include "vrrp/config.hpp"

namespace lvsd::vrrp {

inline constexpr const char* kAcceptTable = "inet lvsd_accept";

// In nftables' words, the whole of our table; empty when every instance accepts. An owner always accepts (§6.4.3), and
// neighbour discovery is never dropped (§6.1). The role does not matter: a backup does not have the addresses.
std::string accept_rules(const std::vector<InstanceConfig>& instances);

}  // namespace lvsd::vrrp

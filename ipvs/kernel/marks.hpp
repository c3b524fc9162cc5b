// Which packets get which firewall mark, as an nftables table of lvsd's own. Pure. Used by kernel_backend.
#pragma once

#include <string>

#include "ipvs/table.hpp"

namespace lvsd::ipvs::kernel {

inline constexpr const char* kMarkTable = "inet lvsd_marks";

// The table with a rule for each match line of each service that has a firewall mark, in nft's language; empty when no
// service has one. Packets are marked before routing, and those of the director itself on their way out.
std::string mark_table(const ServiceTable& table);

}  // namespace lvsd::ipvs::kernel

// The kernel's table in lvsd's words, for people: statuses and listings. Pure. Used by kernel_backend.
#pragma once

#include <vector>

#include "ipvs/kernel/connection_list.hpp"
#include "ipvs/kernel/kernel_table.hpp"
#include "ipvs/kernel/wanted.hpp"
#include "ipvs/messages.hpp"
#include "ipvs/table.hpp"

namespace lvsd::ipvs::kernel {

// The virtual servers that `desired` names, measured: numbers of all their services added up. What others put into the
// table is not among them. Destinations that are not desired any more are in state drain.
std::vector<ServiceStatus> statuses(const KernelTable& table, const ServiceTable& desired, const Names& names);

// The whole table, in the kernel's order.
Listing listing(const KernelTable& table, const Info& info, const ProtocolTimeouts& timeouts,
                const std::vector<SyncDaemon>& daemons);

// A connection with the names of its service and server, empty where it is not ours.
ConnectionStatus status_of(const ListedConnection& connection, const Names& names);
bool matches(const ConnectionStatus& connection, const ConnectionsQuery& query);

}  // namespace lvsd::ipvs::kernel

// The kernel's sync daemons, one that tells and one that hears: what is wanted of them, and the steps there. Pure. Used
// by kernel_backend.
#pragma once

#include <vector>

#include "ipvs/config.hpp"
#include "ipvs/kernel/kernel_table.hpp"
#include "ipvs/sync/ipvs_roles.hpp"

namespace lvsd::ipvs::kernel {

// At most one of each state.
std::vector<SyncDaemon> wanted_daemons(const IpvsSyncConfig& config, sync::IpvsRoles roles);

struct DaemonPlan {
  std::vector<SyncState> stop;
  std::vector<SyncDaemon> start;  // after the stops
  bool empty() const { return stop.empty() && start.empty(); }
  friend bool operator==(const DaemonPlan&, const DaemonPlan&) = default;
};
// A daemon that is not wanted as it is gives way; there is place for one of each state only.
DaemonPlan plan_daemons(const std::vector<SyncDaemon>& actual, const std::vector<SyncDaemon>& wanted);

}  // namespace lvsd::ipvs::kernel

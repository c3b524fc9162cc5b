#include "ipvs/kernel/sync_daemons.hpp"

#include <algorithm>

namespace lvsd::ipvs::kernel {
namespace {

// Kernels before 4.3 say nothing of what follows the id, and have their own values there.
bool is_as_wanted(const SyncDaemon& actual, const SyncDaemon& wanted) {
  if (actual.state != wanted.state || actual.interface != wanted.interface || actual.id != wanted.id) return false;
  if (!actual.group || actual.port == 0) return true;
  return actual.group == wanted.group && actual.port == wanted.port && actual.ttl == wanted.ttl &&
         (wanted.max_length == 0 || actual.max_length == wanted.max_length);
}

}  // namespace

std::vector<SyncDaemon> wanted_daemons(const IpvsSyncConfig& config, sync::IpvsRoles roles) {
  std::vector<SyncDaemon> daemons;
  const auto add = [&](SyncState state) {
    daemons.push_back(
        {state, config.interface, config.id, config.max_length, config.group.address, config.group.port, config.ttl});
  };
  if (roles.tells) add(SyncState::Master);
  if (roles.hears) add(SyncState::Backup);
  return daemons;
}

DaemonPlan plan_daemons(const std::vector<SyncDaemon>& actual, const std::vector<SyncDaemon>& wanted) {
  DaemonPlan plan;
  const auto stands = [&](const SyncDaemon& there) {
    return std::ranges::any_of(wanted, [&](const SyncDaemon& w) { return is_as_wanted(there, w); });
  };
  for (const auto& there : actual) {
    if (!stands(there)) plan.stop.push_back(there.state);
  }
  for (const auto& daemon : wanted) {
    const auto runs = [&](const SyncDaemon& there) { return is_as_wanted(there, daemon); };
    if (!std::ranges::any_of(actual, runs)) plan.start.push_back(daemon);
  }
  return plan;
}

}  // namespace lvsd::ipvs::kernel

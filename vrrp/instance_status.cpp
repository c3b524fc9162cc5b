#include "vrrp/instance_status.hpp"

#include <set>

namespace lvsd::vrrp {
namespace {

void describe_config(const InstanceConfig& config, InstanceStatus& status) {
  status.name = config.name;
  status.interface = config.interface;
  status.virtual_router_id = config.virtual_router_id;
  status.priority = config.priority;
  status.preempt = config.preempt;
  status.advert_interval_ms = base::milliseconds(config.advert_interval);
  for (const auto& address : config.virtual_addresses) status.virtual_addresses.push_back(address.prefix.to_string());
  status.sync_group = config.sync_group;
  if (config.virtual_mac)
    status.virtual_mac = config.virtual_mac_address().to_string() + " on " + config.virtual_link();
  status.services = config.services;
  for (const auto& route : config.routes) status.routes.push_back(route.to_string());
}

TrackStatus describe(const TrackConfig& track, const Sight& sight) {
  TrackStatus status;
  status.name = track.name;
  status.type = track.type;
  status.target = track.target.empty() ? track.interface : track.target;
  status.known = is_known(track, sight);
  status.failing = failing(track, sight);
  status.fault = !track.weight;
  status.weight = track.weight.value_or(0);
  status.text = condition(track, sight);
  return status;
}

void describe_pause(const State& state, const Params& params, base::TimePoint now, InstanceStatus& status) {
  if (const auto waits = pause(params, state, now)) {
    status.pause = waits->why;
    status.pause_left_ms = base::milliseconds(waits->until - now);
  }
  status.losses = state.flaps.strikes;
  status.ceded = state.ceded;
}

}  // namespace

InstanceStatus describe(const InstanceConfig& config, const State& state, const Params& params, const Sight& sight,
                        const InstanceRecord& record, base::TimePoint now) {
  InstanceStatus status;
  describe_config(config, status);
  status.role = state.role;
  status.effective_priority = params.priority;
  status.master_down_interval_ms = base::milliseconds(master_down_interval(params, state));
  if (!params.own_address.is_unspecified()) status.source_address = params.own_address.to_string();
  if (state.role == Role::master) status.master_address = status.source_address;
  if (state.role == Role::backup && record.master) status.master_address = record.master->to_string();
  record.describe(status, now);
  describe_pause(state, params, now, status);
  if (state.leaving_for) status.reason = "resigned: " + state.leaving_because;
  for (const auto& track : config.tracks) status.tracks.push_back(describe(track, sight));
  return status;
}

SyncGroupStatus describe(const SyncGroupConfig& group, std::span<const InstanceStatus> instances) {
  SyncGroupStatus status{group.name, Role::backup, group.members};
  std::set<Role> roles;
  for (const auto& instance : instances) {
    if (instance.sync_group == group.name) roles.insert(instance.role);
  }
  if (roles.size() == 1) status.role = *roles.begin();
  if (roles.contains(Role::fault)) status.role = Role::fault;
  return status;
}

}  // namespace lvsd::vrrp

// What people are shown of an instance. Pure but for the record's counters; called by the instance.
#pragma once

#include <span>

#include "base/time.hpp"
#include "vrrp/config.hpp"
#include "vrrp/instance_record.hpp"
#include "vrrp/messages.hpp"
#include "vrrp/state_machine.hpp"
#include "vrrp/tracks.hpp"

namespace lvsd::vrrp {

// `params.own_address` is unspecified while the interface has none.
InstanceStatus describe(const InstanceConfig& config, const State& state, const Params& params, const Sight& sight,
                        const InstanceRecord& record, base::TimePoint now);

// `instances`: of all; the group's role is that of its members, fault when one is in fault.
SyncGroupStatus describe(const SyncGroupConfig& group, std::span<const InstanceStatus> instances);

}  // namespace lvsd::vrrp

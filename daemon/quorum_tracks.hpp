// Tracks of type quorum: which of the tracked virtual servers lack theirs. Pure; used by Supervisor, which tells vrrp.
#pragma once

#include <vector>

#include "ipvs/desired.hpp"
#include "vrrp/config.hpp"
#include "vrrp/messages.hpp"

namespace lvsd::daemon {

// One result for each such track of any instance.
std::vector<vrrp::Conditions::Track> quorum_results(const vrrp::Config& vrrp, const ipvs::Config& services,
                                                    const ipvs::HealthView& health,
                                                    const ipvs::OverrideView& overrides);

}  // namespace lvsd::daemon

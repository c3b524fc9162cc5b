// Tracks of type quorum: which of the tracked virtual servers lack theirs, as ipvs has told last; and those that
// all_down = withdraw makes. Pure; used by Supervisor, which tells vrrp.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "ipvs/messages.hpp"
#include "vrrp/config.hpp"
#include "vrrp/messages.hpp"

namespace lvsd::daemon {

// One result for each such track of any instance whose virtual server (`services`, by name) is known.
std::vector<vrrp::Conditions::Track> quorum_results(
    const vrrp::Config& vrrp, const std::map<std::string, ipvs::StatesChanged::Service>& services);

}  // namespace lvsd::daemon

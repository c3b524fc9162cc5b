// The vrrp room as a process: owns virtual IPs by election and nothing else. Called by daemon/main for `lvsd: vrrp`.
#pragma once

#include <functional>

#include "base/fd.hpp"
#include "base/privileges.hpp"
#include "base/result.hpp"
#include "vrrp/config.hpp"

namespace lvsd::vrrp {

// Reads the sealed configuration that a Configure message brings.
using Parse = std::function<base::Result<Config>(int config_fd)>;

base::Privileges privileges();  // what this room keeps

// Runs until Stop (returns 0, VIPs resigned with priority 0) or until the supervisor's end closes (returns 1, nothing
// resigned: VIPs are a lease, and a restarted supervisor resumes within it).
int run(base::UniqueFd channel, Parse parse);

}  // namespace lvsd::vrrp

// Maintenance mode as a value: what a request makes of it, when it ends, its words. Pure; used by Supervisor, which
// keeps it with the overrides.
#pragma once

#include <string>
#include <vector>

#include "daemon/api.hpp"
#include "daemon/overrides.hpp"
#include "vrrp/messages.hpp"

namespace lvsd::daemon {

// Why a reason given by an operator is refused; empty: it is not.
std::string reason_problem(const std::string& reason);

base::Result<void, Objection> check(const MaintenanceRequest& request);
MaintenanceStatus begun(const MaintenanceRequest& request, const std::string& by, std::int64_t now_unix_ms);
bool is_over(const MaintenanceStatus& maintenance, std::int64_t now_unix_ms);

// "maintenance by alice: NIC firmware"; empty when it is off.
std::string words(const MaintenanceStatus& maintenance);

// The instances whose addresses nobody would serve.
std::vector<std::string> without_successor(const vrrp::FailoverDone& done);
// "front: failover by alice; 10.0.0.3 has taken over (612 ms)", for those that were master.
std::vector<std::string> handover_lines(const vrrp::FailoverDone& done);

}  // namespace lvsd::daemon

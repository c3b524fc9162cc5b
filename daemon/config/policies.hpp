// How servers come into use and go out of it, and what holds while all of them fail: the keys of services and servers
// about that. Used by the validator of services.
#pragma once

#include <vector>

#include "daemon/config/servers.hpp"

namespace lvsd::daemon {

// Into `config`: slow_start, on_failure, check_mode, max_unanswered, max_connections, min_connections. Each stands with
// the server, in [defaults real_server] or with its virtual server, in this order; the limits with the server alone.
void read_server_policy(Build& build, const SectionReader& service, const Server& server,
                        ipvs::RealServerConfig& config);

// Programs told of what becomes of the service and of its servers: Config::scripts "notify web", "notify web/rs1".
void read_notify(Build& build, const SectionReader& service, const std::vector<const Server*>& servers);

// hysteresis and all_down; after the quorum, the servers and the sorry server are known.
void read_service_policy(Build& build, const SectionReader& service, ipvs::VirtualServerConfig& config);

}  // namespace lvsd::daemon

// Which table should be in force: configuration and health in, ServiceTable out. Pure. Also the words for people: state
// of a service and of its servers.
#pragma once

#include <map>
#include <string>

#include "ipvs/config.hpp"
#include "ipvs/messages.hpp"
#include "ipvs/table.hpp"

namespace lvsd::ipvs {

using HealthView = std::map<std::string, bool>;  // target id → passes; absent = not checked yet

// Below quorum the sorry server (named "sorry") gets everything new; without one, what is usable stays in use.
ServiceTable desired(const Config& config, const HealthView& health);

// Adds configuration and health to what the backend measured: states, configured weights, checks, order.
void describe(std::vector<ServiceStatus>& measured, const Config& config, const HealthView& health);

}  // namespace lvsd::ipvs

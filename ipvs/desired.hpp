// Which table should be in force: configuration, health and overrides in, ServiceTable out. Pure. Also the words for
// people: state of a service and of its servers.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "ipvs/config.hpp"
#include "ipvs/messages.hpp"
#include "ipvs/table.hpp"

namespace lvsd::ipvs {

using HealthView = std::map<std::string, bool>;  // target id → passes; absent = not checked yet

// What operators want of one server; nothing set: as configured.
struct ServerOverride {
  bool drain = false;
  bool disable = false;
  std::optional<std::uint32_t> weight;
  std::optional<std::uint32_t> percent;  // counts when no weight is set
};
using OverrideView = std::map<std::pair<std::string, std::string>, ServerOverride>;  // service, server
OverrideView view_of(const Overrides& overrides);

// Below quorum the sorry server (named "sorry") gets everything new; without one, what is usable stays in use.
ServiceTable desired(const Config& config, const HealthView& health, const OverrideView& overrides = {});

// The usable servers' weights reach the quorum.
bool has_quorum(const VirtualServerConfig& service, const HealthView& health, const OverrideView& overrides = {});

// Adds configuration, health and overrides to what the backend measured: states, configured weights, checks, order.
void describe(std::vector<ServiceStatus>& measured, const Config& config, const HealthView& health,
              const OverrideView& overrides = {});

}  // namespace lvsd::ipvs

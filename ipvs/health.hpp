// What is known and wanted of real servers beside the configuration: the results of their checks and what operators
// say. Pure; used by desired and pools.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "ipvs/config.hpp"
#include "ipvs/messages.hpp"

namespace lvsd::ipvs {

// What one check says.
struct TargetHealth {
  TargetHealth(bool passing = false) : passes{passing} {}  // a bare verdict, too

  bool passes = false;
  bool silent = false;                   // it fails because nothing came back: dead, or out of our reach
  bool drain = false;                    // the server itself wants no new connections
  bool maintenance = false;              // … and takes itself out of service
  std::optional<std::uint32_t> weight;   // it wants this weight, 0..65535
  std::optional<std::uint32_t> percent;  // it wants so many hundredths of its weight; counts when no weight is set
};
using HealthView = std::map<std::string, TargetHealth>;  // target id → result; absent = not checked yet
void update(HealthView& view, const Health& health);

// What operators want of one server; nothing set: as configured.
struct ServerOverride {
  bool drain = false;
  bool disable = false;
  std::optional<std::uint32_t> weight;
  std::optional<std::uint32_t> percent;  // counts when no weight is set
};
using OverrideView = std::map<std::pair<std::string, std::string>, ServerOverride>;  // service, server
OverrideView view_of(const Overrides& overrides);

// A server as its checks and the operators see it.
struct Standing {
  ServerState checked = ServerState::unknown;  // up, down or unknown, by the checks alone
  ServerState state = ServerState::unknown;    // with what operators and the server itself want
  bool silent = false;                         // down, and none of its failing checks got an answer
  std::uint32_t weight = 0;  // in force while its checks pass: operator before server before configuration

  bool usable() const { return state == ServerState::up; }
  // Counts for nothing new whatever its checks say.
  bool put_aside() const { return state == ServerState::drain || state == ServerState::disabled; }
};
Standing standing_of(const RealServerConfig& server, const HealthView& health, const ServerOverride& wanted);
ServerOverride override_of(const OverrideView& view, const std::string& service, const std::string& server);

}  // namespace lvsd::ipvs

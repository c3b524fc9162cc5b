// The one screen that says how things are: counts, and first of all what needs attention. Pure; used by the API's
// status route, the metrics and the service manager's status line.
#pragma once

#include <string>
#include <vector>

#include "daemon/api.hpp"
#include "daemon/questions.hpp"
#include "daemon/standings.hpp"

namespace lvsd::daemon {

// What the control process itself knows.
struct Situation {
  std::string node;
  std::string version;
  std::int64_t pid = 0;
  std::int64_t started_unix_ms = 0;
  std::string backend;  // "engine", "kernel"
  ConfigStatus config;
  std::vector<RoomStatus> rooms;
  std::vector<std::string>
      refusals;  // "ipvs: cannot load the XDP program: …": rooms without the configuration in force
  std::vector<std::string> problems;  // of the control process itself
  std::uint64_t events_dropped = 0;   // for the FIFO or a notify program
  std::uint64_t log_lines_dropped = 0;
  OverrideList overrides;
  Standings::Transitions transitions;
};

Overview overview(const Situation& situation, const Snapshot& snapshot);

// "MASTER front · 4/5 services ok · 1 server down"
std::string status_line(const Overview& overview);

}  // namespace lvsd::daemon

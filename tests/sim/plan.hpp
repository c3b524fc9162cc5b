// What a run is made of before anything fails: how many directors and routers, their settings, wires and clocks. Drawn
// from chance.
#pragma once

#include <vector>

#include "tests/sim/director.hpp"

namespace lvsd::sim {

struct Plan {
  int routers = 1;
  base::Duration interval{};  // of most directors
  Instant least_delay = 0;
  Instant most_delay = 0;  // in calm: below half of every interval that the run will use
  Instant most_lateness = 0;
  unsigned twice_percent = 0;
  std::int64_t drift_ppm = 0;  // of no clock more
  std::vector<Settings> settings;
  std::vector<HostClock> clocks;

  static Plan draw(Choice& choice);
};

// Of a director of this plan, from the start or by a reload.
std::uint8_t draw_priority(Choice& choice, int routers);
base::Duration draw_interval(Choice& choice, base::Duration usual);

}  // namespace lvsd::sim

// One simulated run: the directors of a plan, the faults that chance deals them, the judge.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tests/sim/judge.hpp"
#include "tests/sim/plan.hpp"

namespace lvsd::sim {

struct Outcome {
  std::optional<Breach> breach;
  std::uint64_t failovers = 0;
  std::uint64_t faults = 0;
  std::uint64_t happenings = 0;
  Instant simulated = 0;
};

// `faults`: how many, then the run ends. `story`: is told what happens; may be empty.
Outcome run(Choice choice, std::uint64_t faults, std::function<void(Instant, const std::string&)> story);

}  // namespace lvsd::sim

// Time as lvsd sees it: monotonic points, and durations as people write them ("500ms", "3s", "2m").
// Only event loops read a clock; everything pure is handed a TimePoint.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace lvsd::base {

using Clock = std::chrono::steady_clock;  // CLOCK_MONOTONIC
using TimePoint = Clock::time_point;
using Duration = Clock::duration;  // nanoseconds
using namespace std::chrono_literals;

// Reads "500ms", "3s", "2m", "1h", "1d" or bare seconds ("0.5" too). Negative and empty texts are errors.
Result<Duration> parse_duration(std::string_view text);

// The shortest exact form: 1500ms, 3s, 2m, 0s. Sub-millisecond parts are printed in µs.
std::string format_duration(Duration duration);

// For people: "12d 4h", "4m12s", "3.4s". At most two units.
std::string format_age(Duration duration);

inline std::int64_t milliseconds(Duration d) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(d).count();
}

}  // namespace lvsd::base

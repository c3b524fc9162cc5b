// When a target is due: a fixed grid of intervals from its own starting point, each start moved by a seeded jitter of
// ±5 % of the interval, so that neither drift nor accumulation of delays can happen. Pure. Used by monitor.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/time.hpp"

namespace lvsd::healthcheck {

// The same on every director and every run.
std::uint64_t seed_of(std::string_view target_id);

class Schedule {
 public:
  static constexpr base::Duration kStartSpread =
      std::chrono::seconds{1};  // upper limit of the wait for the first check
  static constexpr base::Duration kLateAfter = std::chrono::milliseconds{100};  // a start later than this is counted

  // The first start falls between `origin` and origin + min(interval, kStartSpread), by the seed.
  Schedule(base::TimePoint origin, base::Duration interval, std::uint64_t seed);

  base::TimePoint due() const { return due_; }

  // The due check starts at `now` ≥ due(). Moves to the next place on the grid, at least half an interval away: starts
  // that were missed are not made up for.
  void start(base::TimePoint now);

  // Another rhythm from the last start on; nothing happens where it is the same.
  void change_interval(base::Duration interval, base::TimePoint now);

  std::uint64_t late_starts() const { return late_starts_; }

 private:
  base::TimePoint place(std::int64_t number) const;

  base::TimePoint anchor_;
  base::Duration interval_;
  std::uint64_t seed_;
  std::int64_t next_ = 0;
  base::TimePoint due_;
  base::TimePoint last_start_;
  std::uint64_t late_starts_ = 0;
};

}  // namespace lvsd::healthcheck

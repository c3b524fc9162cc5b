// Time in the simulation. An Instant is the true time of the run in ns; a host has clocks of its own, which run a
// little fast or slow, start anywhere, and stand still while the machine does.
#pragma once

#include <cstdint>

#include "base/time.hpp"

namespace lvsd::sim {

using Instant = std::int64_t;
inline constexpr Instant kMillisecond = 1'000'000;
inline constexpr Instant kSecond = 1'000 * kMillisecond;
inline constexpr Instant kNever = INT64_MAX;

inline Instant ns(base::Duration duration) { return duration.count(); }

class HostClock {
 public:
  HostClock() = default;
  HostClock(Instant offset, std::int64_t drift_ppm) : offset_{offset}, drift_ppm_{drift_ppm} {}

  base::TimePoint monotonic(Instant t) const {
    return base::TimePoint{base::Duration{offset_ + scaled(t) - frozen_ - asleep_}};
  }
  // Runs on while the machine sleeps, but not while its hypervisor holds it.
  base::Duration boottime(Instant t) const { return base::Duration{offset_ + scaled(t) - frozen_}; }

  // When monotonic() reaches `point`, if nothing stops the machine.
  Instant when(base::TimePoint point) const {
    const Instant wanted = point.time_since_epoch().count() - offset_ + frozen_ + asleep_;
    Instant t = wanted - wanted / kMillion * drift_ppm_;
    while (scaled(t) < wanted) t += wanted - scaled(t);
    return t;
  }

  void freeze(Instant duration) { frozen_ += scaled(duration); }
  void sleep(Instant duration) { asleep_ += scaled(duration); }

 private:
  static constexpr std::int64_t kMillion = 1'000'000;
  Instant scaled(Instant t) const { return t + t * drift_ppm_ / kMillion; }  // exact for some weeks

  Instant offset_ = 0;
  std::int64_t drift_ppm_ = 0;
  Instant frozen_ = 0;
  Instant asleep_ = 0;
};

}  // namespace lvsd::sim

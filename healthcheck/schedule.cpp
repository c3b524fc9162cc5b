#include "healthcheck/schedule.hpp"

#include <algorithm>

namespace lvsd::healthcheck {
namespace {

constexpr std::int64_t kJitterPart = 20;  // 1/20 of the interval to both sides

// SplitMix64 (Steele, Lea, Flood 2014): its output mixing alone.
std::uint64_t mixed(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

base::Duration below(base::Duration limit, std::uint64_t random) {
  const auto count = static_cast<std::uint64_t>(limit.count());
  return base::Duration{count == 0 ? 0 : static_cast<std::int64_t>(random % count)};
}

}  // namespace

std::uint64_t seed_of(std::string_view target_id) {
  std::uint64_t hash = 0xcbf29ce484222325u;  // FNV-1a, 64 bit
  for (const char c : target_id) hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001b3u;
  return mixed(hash);
}

Schedule::Schedule(base::TimePoint origin, base::Duration interval, std::uint64_t seed)
    : anchor_{origin + below(std::min(interval, kStartSpread), mixed(seed))},
      interval_{interval},
      seed_{seed},
      due_{anchor_},
      last_start_{origin} {}

base::TimePoint Schedule::place(std::int64_t number) const {
  const auto reach = interval_ / kJitterPart;
  const auto jitter = below(2 * reach, mixed(seed_ + static_cast<std::uint64_t>(number))) - reach;
  return anchor_ + number * interval_ + jitter;
}

void Schedule::start(base::TimePoint now) {
  if (now - due_ > kLateAfter) ++late_starts_;
  last_start_ = now;
  const std::int64_t passed = (now - anchor_) / interval_;
  next_ = std::max(next_ + 1, passed);
  while (place(next_) - now < interval_ / 2) ++next_;
  due_ = place(next_);
}

void Schedule::change_interval(base::Duration interval, base::TimePoint now) {
  if (interval == interval_) return;
  interval_ = interval;
  anchor_ = last_start_;
  next_ = std::max<std::int64_t>(1, (now - anchor_) / interval_);
  while (place(next_) < now) ++next_;
  due_ = place(next_);
}

}  // namespace lvsd::healthcheck

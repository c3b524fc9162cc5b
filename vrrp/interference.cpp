#include "vrrp/interference.hpp"

#include <utility>

#include <fmt/format.h>

namespace lvsd::vrrp {

void Interference::removed(const std::string& address, base::TimePoint now) {
  std::erase_if(removals_, [&](base::TimePoint at) { return now - at > kWithin; });
  removals_.push_back(now);
  if (removals_.size() < kMostRemovals) return;
  removals_.clear();
  give_up(fmt::format("{} was removed by somebody {} times within {}", address, kMostRemovals,
                      base::format_duration(kWithin)),
          now);
}

void Interference::added(const std::string& error, base::TimePoint now) {
  failures_ = error.empty() ? 0 : failures_ + 1;
  if (failures_ < kMostFailures) return;
  failures_ = 0;
  give_up(error, now);
}

std::string Interference::problem(base::TimePoint now) const { return now < until_ ? problem_ : std::string{}; }

void Interference::give_up(std::string why, base::TimePoint now) {
  problem_ = std::move(why);
  until_ = now + kCoolOff;
}

}  // namespace lvsd::vrrp

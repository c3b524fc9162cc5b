#include "daemon/back_off.hpp"

#include <algorithm>

namespace lvsd::daemon {

base::Duration BackOff::after_death(base::Duration lived) {
  if (lived >= kHealthyLife) deaths_ = 0;
  const unsigned earlier = deaths_++;
  if (earlier == 0) return base::Duration::zero();
  const unsigned doublings = std::min(earlier - 1, 10U);
  return std::min(kFirst * (1U << doublings), kMost);
}

}  // namespace lvsd::daemon

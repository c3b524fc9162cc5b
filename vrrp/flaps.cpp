#include "vrrp/flaps.hpp"

#include <algorithm>

namespace lvsd::vrrp {
namespace {

constexpr unsigned kMostStrikes = 16;  // beyond the longest pause that can be configured

unsigned standing(const Flaps& flaps, base::TimePoint now) {
  const auto forgiven = (now - flaps.last) / kForgiveness;
  return forgiven >= flaps.strikes ? 0 : flaps.strikes - static_cast<unsigned>(forgiven);
}

}  // namespace

Flaps struck(const Flaps& flaps, base::TimePoint now) {
  return {std::min(standing(flaps, now) + 1, kMostStrikes), now};
}

base::Duration hold_down(const Flaps& flaps, base::Duration longest, base::TimePoint now) {
  const unsigned strikes = standing(flaps, now);
  if (strikes <= kFreeStrikes) return {};
  return std::min(kFirstHold * (1U << (strikes - kFreeStrikes - 1)), longest);
}

}  // namespace lvsd::vrrp

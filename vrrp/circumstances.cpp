#include "vrrp/circumstances.hpp"

#include <algorithm>

#include "vrrp/timers.hpp"

namespace lvsd::vrrp {

Event event_at_start(const Circumstances& now, bool resume) {
  if (!now.unusable.empty()) return Lost{now.unusable};
  if (!now.barred.empty()) return Barred{now.barred};
  if (resume) return Resumed{};
  return Startup{};
}

std::optional<Event> event_of(const Circumstances& now, const State& state) {
  if (state.role == Role::init) return std::nullopt;
  if (!now.unusable.empty()) return Lost{now.unusable};  // also in fault: it may be on its way out
  if (!now.barred.empty()) return Barred{now.barred};
  if (state.role == Role::fault) return Startup{};
  if (state.leaving_for == Role::fault) return Startup{};
  return std::nullopt;
}

std::optional<Stalled> stall(const State& state, base::Duration advert_interval, base::TimePoint now,
                             base::Duration asleep) {
  if (state.role != Role::master || state.leaving_for) return std::nullopt;
  const base::Duration gap = std::max(now - state.last_sent, asleep);
  if (gap <= least_peer_patience(advert_interval)) return std::nullopt;
  return Stalled{gap};
}

bool renews_lease(std::span<const Action> actions, const State& after) {
  const auto is_advert = [](const Action& action) { return std::holds_alternative<SendAdvert>(action); };
  return after.role == Role::master && std::ranges::any_of(actions, is_advert);
}

}  // namespace lvsd::vrrp

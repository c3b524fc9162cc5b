#include "tests/sim/plan.hpp"

#include <algorithm>

#include "vrrp/timers.hpp"

namespace lvsd::sim {

using std::chrono::milliseconds;
using std::chrono::seconds;

// An owner cannot be member of a sync group.
std::uint8_t draw_priority(Choice& choice, int routers) {
  if (routers == 1 && choice.percent(4)) return vrrp::kOwnerPriority;
  if (choice.percent(40)) return choice.one_of<std::uint8_t>({50, 100, 101, 150, 200, 254});
  return static_cast<std::uint8_t>(choice.between(1, 254));
}

base::Duration draw_interval(Choice& choice, base::Duration usual) {
  const base::Duration other = choice.percent(50) ? usual * 2 : usual / 2;
  return std::clamp<base::Duration>(choice.percent(70) ? usual : other, vrrp::kLeastInterval, vrrp::kLongestInterval);
}

Plan Plan::draw(Choice& choice) {
  Plan plan;
  plan.routers = choice.percent(60) ? 1 : choice.percent(70) ? 2 : 3;
  plan.interval =
      choice.percent(50)
          ? milliseconds{1000}
          : choice.one_of<milliseconds>({milliseconds{10}, milliseconds{20}, milliseconds{50}, milliseconds{100},
                                         milliseconds{300}, milliseconds{400}, milliseconds{2000}, milliseconds{4000}});
  if (choice.percent(2)) plan.interval = milliseconds{40950};
  const Instant least_interval = std::max<Instant>(ns(plan.interval) / 2, 10 * kMillisecond);
  plan.most_delay =
      choice.one_of<Instant>({50'000, least_interval / 100, least_interval / 10, least_interval * 4 / 10});
  plan.least_delay = choice.percent(30) ? plan.most_delay : plan.most_delay / 10;
  plan.most_lateness = choice.percent(50) ? 0 : least_interval / 50;
  plan.twice_percent = choice.percent(20) ? 5 : 0;
  plan.drift_ppm = choice.one_of<std::int64_t>({0, 20, 200, 2000});
  const int directors = choice.percent(50) ? 2 : choice.percent(60) ? 3 : 4;
  const bool same_priority = choice.percent(10);
  const bool same_preempt = choice.percent(70);
  const std::uint8_t priority = draw_priority(choice, plan.routers);
  const bool preempt = choice.percent(70);
  const bool patient = choice.percent(30);
  for (int d = 0; d < directors; ++d) {
    Settings settings;
    settings.priority = same_priority ? priority : draw_priority(choice, plan.routers);
    settings.interval = choice.percent(95) ? plan.interval : draw_interval(choice, plan.interval);
    settings.preempt = same_preempt ? preempt : choice.percent(50);
    if (patient && choice.percent(50)) settings.preempt_delay = plan.interval * choice.between(1, 8);
    if (patient && choice.percent(50)) settings.startup_delay = plan.interval * choice.between(1, 8);
    if (patient && choice.percent(70)) settings.flap_hold_down = plan.interval * choice.between(4, 8);
    settings.garp_count = static_cast<unsigned>(choice.between(1, 5));
    settings.garp_repeat_delay = choice.one_of<seconds>({seconds{0}, seconds{1}, seconds{5}});
    settings.garp_refresh = choice.one_of<seconds>({seconds{10}, seconds{60}});
    plan.settings.push_back(settings);
    plan.clocks.emplace_back(choice.between(1, 1'000'000) * kSecond, choice.between(-plan.drift_ppm, plan.drift_ppm));
  }
  return plan;
}

}  // namespace lvsd::sim

// The machine around a director's state machines: its timers, the kernel's address leases, the supervisor's memory.
#include <algorithm>

#include "tests/sim/director.hpp"
#include "vrrp/timers.hpp"

namespace lvsd::sim {
namespace {

// The kernel ends a lease a little after its time (measured: within 30 ms).
constexpr Instant kLatestLeaseEnd = 30 * kMillisecond;

}  // namespace

bool Director::usable() const { return acts() && !stopping_ && !has_trouble(); }

bool Director::has_trouble() const {
  if (!required_up_ || !conditions_.maintenance.empty()) return true;
  for (std::size_t i = 0; i < members_.size(); ++i) {
    if (!link_up(static_cast<int>(i))) return true;
  }
  return false;
}

bool Director::is_active(int router) const {
  const auto& state = this->state(router);
  return acts() && !dozing_ && state.role == vrrp::Role::master && !state.leaving_for;
}

bool Director::is_leaving(int router) const { return acts() && state(router).leaving_for.has_value(); }

bool Director::link_up(int router) const { return lan_up_[static_cast<std::size_t>(router)]; }

bool Director::may_preempt(int router) const {
  const auto& member = members_[static_cast<std::size_t>(router)];
  return member.params.priority == vrrp::kOwnerPriority || (member.params.preempt && !member.state.ceded);
}

bool Director::starts_late(int router) const {
  const auto& from = state(router).not_before;
  return from && local() < *from;
}

base::Duration Director::quiet(int router) const {
  if (priority() == vrrp::kOwnerPriority) return {};
  return vrrp::hold_down(state(router).flaps, settings_.flap_hold_down, local());
}

base::Duration Director::since_loss(int router) const { return local() - state(router).flaps.last; }

bool Director::answers(int router) const {
  return holds(router) && link_up(router) && (pause_ == Pause::none || pause_ == Pause::stalled);
}

bool Director::resignation_waits() const {
  return std::ranges::any_of(inbox_, [](const auto& advert) { return advert.priority == vrrp::kResignPriority; });
}

void Director::arm_protocol_timer(std::size_t at) {
  const auto& deadline = members_[at].state.deadline;
  if (!deadline) return;
  const Instant late = stage_.most_lateness > 0 ? stage_.choice.between(0, stage_.most_lateness) : 0;
  stage_.schedule({.at = clock_.when(*deadline) + late,
                   .kind = Kind::protocol_timer,
                   .director = static_cast<std::int8_t>(number_),
                   .router = static_cast<std::int8_t>(at),
                   .incarnation = incarnation_,
                   .value = deadline->time_since_epoch().count()});
}

void Director::arm_announce_timer(std::size_t at) {
  auto& router = routers_[at];
  const auto due = router.announcements.due();
  if (due == router.announce_at) return;
  router.announce_at = due;
  if (!due) return;
  stage_.schedule({.at = clock_.when(*due),
                   .kind = Kind::announce_timer,
                   .director = static_cast<std::int8_t>(number_),
                   .router = static_cast<std::int8_t>(at),
                   .incarnation = incarnation_,
                   .value = due->time_since_epoch().count()});
}

void Director::hold_address(std::size_t at) {
  auto& address = kernel_[at];
  if (!address.present) links_due_ = true;
  address.present = true;
  address.lease = vrrp::address_lease(settings_.interval);
  address.refreshed = stage_.now;
  address.ends = stage_.now + ns(address.lease) + stage_.choice.between(0, kLatestLeaseEnd);
  watch_lease(at);
}

void Director::drop_address(std::size_t at) {
  if (kernel_[at].present) links_due_ = true;
  kernel_[at].present = false;
}

void Director::watch_lease(std::size_t at) {
  if (kernel_[at].watched_for <= kernel_[at].ends) return;
  kernel_[at].watched_for = kernel_[at].ends;
  stage_.schedule({.at = kernel_[at].ends,
                   .kind = Kind::lease_end,
                   .director = static_cast<std::int8_t>(number_),
                   .router = static_cast<std::int8_t>(at)});
}

void Director::lease_end(std::size_t at) {
  auto& address = kernel_[at];
  if (stage_.now < address.watched_for) return;  // an earlier, longer lease's
  address.watched_for = kNever;
  if (!address.present) return;
  if (pause_ == Pause::asleep || pause_ == Pause::frozen) return;  // go_on() watches it again
  if (stage_.now < address.ends) return watch_lease(at);
  stage_.tell([&] { return "lvs" + std::to_string(number_ + 1) + " r" + std::to_string(at) + " the lease ends"; });
  address.present = false;
}

// As Room::may_resume(): the leases prove it, or the supervisor knows.
bool Director::may_resume(std::size_t at) const {
  const auto& address = kernel_[at];
  const base::Prefix vip{base::IpAddress::v4(0x0a000064), 24};
  const auto limit = vrrp::resume_limit(settings_.interval);
  if (address.present) {
    vrrp::Link link;
    const auto elapsed = std::chrono::floor<std::chrono::seconds>(base::Duration{stage_.now - address.refreshed});
    link.addresses.push_back(vrrp::LinkAddress{vip, false, address.lease - elapsed});
    if (vrrp::leases_are_younger(link, {&vip, 1}, vrrp::address_lease(settings_.interval), limit)) return true;
  }
  const auto age = clock_.boottime(stage_.now) - memory_[at].last_advert_boottime;
  return memory_[at].known && age >= base::Duration{} && age < limit;
}

// As Room::masters().
void Director::tell_supervisor() {
  constexpr base::Duration kMost = std::chrono::milliseconds{500};
  constexpr base::Duration kLeast = std::chrono::milliseconds{50};
  base::Duration next = kMost;
  for (std::size_t i = 0; i < members_.size(); ++i) {
    memory_[i] = {is_active(static_cast<int>(i)), routers_[i].last_sent_boottime};
    if (memory_[i].known) next = std::min(next, settings_.interval / 2);
  }
  schedule_masters(std::max(next, kLeast));
}

void Director::schedule_masters(base::Duration after) {
  stage_.schedule({.at = stage_.now + ns(after),
                   .kind = Kind::masters,
                   .director = static_cast<std::int8_t>(number_),
                   .incarnation = incarnation_});
}

}  // namespace lvsd::sim

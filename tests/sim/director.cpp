#include "tests/sim/director.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "vrrp/circumstances.hpp"
#include "vrrp/names.hpp"
#include "vrrp/timers.hpp"

namespace lvsd::sim {
namespace {

std::string lan(std::size_t router) { return fmt::format("lan{}", router); }

vrrp::Link usable_link(int index, const std::string& name) {
  vrrp::Link link;
  link.index = index;
  link.name = name;
  link.up = link.running = link.arp = true;
  return link;
}

const char* word(const vrrp::Action& action) {
  if (std::holds_alternative<vrrp::TakeAddresses>(action)) return "takes the address";
  if (std::holds_alternative<vrrp::DropAddresses>(action)) return "drops the address";
  if (std::holds_alternative<vrrp::Silence>(action)) return "is silent";
  if (std::holds_alternative<vrrp::Announce>(action)) return "announces, the whole burst";
  return "announces";
}

}  // namespace

Director::Director(Stage& stage, int number, int routers, const Settings& settings, HostClock clock)
    : stage_{stage}, number_{number}, settings_{settings}, clock_{clock} {
  const auto count = static_cast<std::size_t>(routers);
  for (std::size_t i = 0; i < count; ++i) {
    const int index = static_cast<int>(i) + 1;
    links_.put(usable_link(index, lan(i)));
    links_.put_address(index, {{base::IpAddress::v4(0x0a000002), 24}, false, std::nullopt});
  }
  links_.put(usable_link(100, "uplink"));
  links_.put(usable_link(101, "required"));
  tracks_ = {{"uplink", "uplink", settings.track_weight},
             {"required", "required", std::nullopt},
             {"neighbour", "", settings.track_weight / 2, false, "ping", "10.0.0.254"}};
  for (std::size_t i = 0; i < count; ++i) members_.push_back({fmt::format("r{}", i), {}, {}});
  routers_.resize(count);
  kernel_.resize(count);
  memory_.resize(count);
}

void Director::tell(int router, const std::string& words) const {
  stage_.tell([&] { return fmt::format("lvs{} r{} {}", number_ + 1, router, words); });
}

void Director::update_params(vrrp::Member& member) const {
  member.params = {vrrp::effective_priority(settings_.priority, tracks_, sight()),
                   settings_.interval,
                   settings_.preempt && conditions_.may_preempt,
                   base::IpAddress::v4(0x0a000002u + static_cast<std::uint32_t>(number_)),
                   3,
                   settings_.preempt_delay,
                   settings_.startup_delay,
                   settings_.flap_hold_down};
}

std::string Director::why_not_master(std::size_t at) const {
  auto why = vrrp::problem(links_.find(lan(at)), lan(at));
  return why.empty() ? vrrp::fault(tracks_, sight()) : why;
}

vrrp::Circumstances Director::circumstances(std::size_t at) const {
  vrrp::Circumstances result{vrrp::problem(links_.find(lan(at)), lan(at)), conditions_.maintenance};
  if (result.barred.empty()) result.barred = vrrp::fault(tracks_, sight());
  for (std::size_t i = 0; i < members_.size() && result.barred.empty(); ++i) {
    if (i != at) result.barred = why_not_master(i);
  }
  return result;
}

// --- life ------------------------------------------------------------------------------------------------------------

void Director::start() {
  ++incarnation_;
  dozing_ = false;
  running_ = true;
  stopping_ = false;
  bool resume = true;
  for (std::size_t i = 0; i < members_.size(); ++i) {
    update_params(members_[i]);
    members_[i].state = {};
    routers_[i] = {};
    routers_[i].adopted_priority = members_[i].params.priority;
    resume = resume && may_resume(i);
  }
  for (std::size_t i = 0; i < members_.size(); ++i) {
    apply(i, vrrp::event_at_start(circumstances(i), resume));
  }
  schedule_masters(std::chrono::milliseconds{500});
  settle();
}

void Director::crash(bool with_supervisor) {
  running_ = false;
  stopping_ = false;
  if (pause_ == Pause::stalled) pause_ = Pause::none;
  inbox_.clear();
  due_.clear();
  if (!with_supervisor) return;
  for (auto& memory : memory_) memory = {};
}

void Director::power_off() {
  pause_ = Pause::none;
  crash(true);
  for (auto& address : kernel_) address.present = false;
}

void Director::stop() {
  dozing_ = false;
  stopping_ = true;
  for (std::size_t i = 0; i < members_.size(); ++i) apply(i, vrrp::Shutdown{});
  settle_due_ = true;
  settle();
}

void Director::pause(Pause kind) {
  pause_ = kind;
  paused_at_ = stage_.now;
}

void Director::go_on() {
  const Pause kind = std::exchange(pause_, Pause::none);
  const Instant lasted = stage_.now - paused_at_;
  if (kind != Pause::stalled) {
    if (kind == Pause::asleep) clock_.sleep(lasted);
    if (kind == Pause::frozen) clock_.freeze(lasted);
    for (std::size_t i = 0; i < kernel_.size(); ++i) {
      kernel_[i].ends += lasted;
      kernel_[i].refreshed += lasted;
      if (kernel_[i].present) watch_lease(i);
    }
    due_.clear();
    rearm();
    dozing_ = true;
  }
  const bool timers_first = stage_.choice.percent(50);
  for (const bool timers : {timers_first, !timers_first}) {
    if (timers) {
      for (const auto& happening : std::exchange(due_, {})) dispatch(happening);
    } else {
      drain();
    }
  }
  settle();
}

void Director::rearm() {
  for (std::size_t i = 0; i < members_.size(); ++i) {
    arm_protocol_timer(i);
    routers_[i].announce_at.reset();
    arm_announce_timer(i);
  }
}

// As Room::adopt(): one instance after the other.
void Director::reconfigure(const Settings& settings) {
  dozing_ = false;
  settings_ = settings;
  for (std::size_t i = 0; i < members_.size(); ++i) {
    if (running_) fence_after_stall(i);
    update_params(members_[i]);
    if (!running_) continue;
    routers_[i].adopted_priority = members_[i].params.priority;
    decide(i, vrrp::Reconfigured{});
  }
  links_due_ = true;
  if (acts()) settle();
}

void Director::set_link(int router, bool up) {
  auto link = usable_link(router + 1, lan(static_cast<std::size_t>(router)));
  link.running = lan_up_[static_cast<std::size_t>(router)] = up;
  links_.put(link);
  links_due_ = true;
  if (acts()) settle();
}

void Director::set_uplink(bool up) {
  auto link = usable_link(100, "uplink");
  link.running = up;
  links_.put(link);
  links_due_ = true;
  if (acts()) settle();
}

void Director::set_required(bool up) {
  auto link = usable_link(101, "required");
  link.running = required_up_ = up;
  links_.put(link);
  links_due_ = true;
  if (acts()) settle();
}

void Director::set_neighbour(bool answers) {
  conditions_.tracks.front().failing = !answers;
  conditions_changed();
}

void Director::set_proven(bool proven) {
  conditions_.may_preempt = proven;
  conditions_changed();
}

void Director::set_maintenance(bool on) {
  conditions_.maintenance = on ? "maintenance by alice" : "";
  conditions_changed();
}

// As Room::adopt(Conditions).
void Director::conditions_changed() {
  links_due_ = true;
  if (acts()) settle();
}

// As Room::fail_over(): all that are master.
void Director::cede() {
  for (std::size_t i = 0; i < members_.size(); ++i) {
    if (is_active(static_cast<int>(i))) apply(i, vrrp::Cede{"failover by alice"});
  }
  settle();
}

// --- as Instance and Room --------------------------------------------------------------------------------------------

void Director::handle(const Happening& happening) {
  if (happening.kind == Kind::lease_end) return lease_end(static_cast<std::size_t>(happening.router));
  if (!running_) return;
  if (pause_ != Pause::none) {
    constexpr std::size_t kSocketQueue = 256;
    constexpr std::size_t kReceiveRing = 8;
    if (happening.kind != Kind::advert) return due_.push_back(happening);
    if (inbox_.size() < (pause_ == Pause::stalled ? kSocketQueue : kReceiveRing)) inbox_.push_back(happening);
    return;
  }
  dispatch(happening);
  settle();
}

void Director::dispatch(const Happening& happening) {
  dozing_ = false;
  const auto at = static_cast<std::size_t>(happening.router);
  if (happening.kind == Kind::advert) return receive(happening);
  if (happening.incarnation != incarnation_) return;
  if (happening.kind == Kind::masters) return tell_supervisor();
  if (happening.kind == Kind::announce_timer) {
    fence_after_stall(at);
    const auto due = routers_[at].announce_at;
    if (due && due->time_since_epoch().count() == happening.value) announce(at);
    return;
  }
  const auto& deadline = members_[at].state.deadline;
  if (deadline && deadline->time_since_epoch().count() == happening.value) on_protocol_timer(at);
}

void Director::receive(const Happening& advert) {
  dozing_ = false;
  const auto at = static_cast<std::size_t>(advert.router);
  const auto role = members_[at].state.role;
  if (role != vrrp::Role::backup && role != vrrp::Role::master) return;
  stage_.tell(
      [&] { return fmt::format("lvs{} r{} hears {} from lvs{}", number_ + 1, at, advert.priority, advert.from + 1); });
  apply(at, vrrp::Heard{base::IpAddress::v4(0x0a000002u + static_cast<std::uint32_t>(advert.from)), advert.priority,
                        base::Duration{advert.value}});
}

void Director::drain() {
  while (!inbox_.empty()) {
    const Happening first = inbox_.front();
    inbox_.erase(inbox_.begin());
    receive(first);
  }
}

void Director::on_protocol_timer(std::size_t at) {
  fence_after_stall(at);
  if (members_[at].state.role == vrrp::Role::backup) drain();
  const auto& deadline = members_[at].state.deadline;
  if (!deadline || *deadline > local()) return;
  apply(at, vrrp::TimerExpired{});
}

void Director::fence_after_stall(std::size_t at) {
  const auto asleep = clock_.boottime(stage_.now) - routers_[at].last_sent_boottime;
  const auto interval = members_[at].params.advert_interval;
  if (const auto stalled = vrrp::stall(members_[at].state, interval, local(), asleep)) decide(at, *stalled);
}

void Director::links_changed() {
  dozing_ = false;
  for (std::size_t i = 0; i < members_.size(); ++i) link_changed(i);
}

void Director::link_changed(std::size_t at) {
  if (members_[at].state.role == vrrp::Role::init) return;
  const auto around = circumstances(at);
  fence_after_stall(at);
  update_params(members_[at]);
  const auto priority = members_[at].params.priority;
  if (members_[at].state.role == vrrp::Role::fault) routers_[at].adopted_priority = priority;
  if (const auto event = vrrp::event_of(around, members_[at].state)) return apply(at, *event);
  if (members_[at].state.role == vrrp::Role::fault) return;
  if (std::exchange(routers_[at].adopted_priority, priority) != priority) apply(at, vrrp::Reconfigured{});
  if (members_[at].state.role == vrrp::Role::backup && *members_[at].state.deadline <= local()) on_protocol_timer(at);
}

void Director::apply(std::size_t at, const vrrp::Event& event) {
  fence_after_stall(at);
  decide(at, event);
}

void Director::decide(std::size_t at, const vrrp::Event& event) {
  auto steps = vrrp::step_together(members_, at, event, local());
  for (std::size_t i = 0; i < members_.size(); ++i) {
    const bool was_leaving = members_[i].state.leaving_for.has_value();
    carry_out(i, std::move(steps[i]));
    if (was_leaving && !members_[i].state.leaving_for) settle_due_ = true;
  }
}

void Director::carry_out(std::size_t at, vrrp::MemberStep step) {
  const vrrp::State before = std::exchange(members_[at].state, std::move(step.state));
  const auto& state = members_[at].state;
  if (state.role != before.role) {
    tell(static_cast<int>(at),
         fmt::format("{} → {}: {}", vrrp::capitals(before.role), vrrp::capitals(state.role), step.reason));
  }
  perform(at, step.actions);
  if (state.deadline != before.deadline) arm_protocol_timer(at);
}

void Director::perform(std::size_t at, const std::vector<vrrp::Action>& actions) {
  bool held = false;
  for (const auto& action : actions) {
    if (const auto* advert = std::get_if<vrrp::SendAdvert>(&action)) {
      routers_[at].last_sent_boottime = clock_.boottime(stage_.now);
      stage_.tell([&] { return fmt::format("lvs{} r{} advertises {}", number_ + 1, at, advert->priority); });
      stage_.advertise(number_, static_cast<int>(at), advert->priority, advert->interval.value_or(settings_.interval));
      continue;
    }
    stage_.tell([&] { return fmt::format("lvs{} r{} {}", number_ + 1, at, word(action)); });
    if (std::holds_alternative<vrrp::TakeAddresses>(action)) {
      held = true;
      hold_address(at);
    } else if (std::holds_alternative<vrrp::DropAddresses>(action)) {
      drop_address(at);
      routers_[at].announcements.stop();
    } else if (std::holds_alternative<vrrp::Silence>(action)) {
      routers_[at].announcements.stop();
    } else {
      const bool burst = std::holds_alternative<vrrp::Announce>(action);
      if (burst) {
        routers_[at].announcements.start(
            {settings_.garp_count, {}, settings_.garp_repeat_delay, settings_.garp_refresh}, local());
      } else {
        routers_[at].announcements.once(local());
      }
      announce(at);
    }
  }
  if (!held && vrrp::renews_lease(actions, members_[at].state)) hold_address(at);
  if (!routers_[at].announcements.due()) routers_[at].announce_at.reset();
}

void Director::announce(std::size_t at) {
  auto& schedule = routers_[at].announcements;
  if (schedule.due() && *schedule.due() <= local()) {
    stage_.announce(number_, static_cast<int>(at));
    schedule.sent(local());
  }
  arm_announce_timer(at);
}

// What Room::decide() posts after a handover, and what the link monitor tells after our own changes.
void Director::settle() {
  while (running_ && (settle_due_ || links_due_)) {
    const bool handover_over = std::exchange(settle_due_, false);
    links_due_ = false;
    if (handover_over && stopping_) {
      const bool leaving = std::ranges::any_of(members_, [](const auto& m) { return m.state.leaving_for.has_value(); });
      if (!leaving) return crash(true);
    }
    links_changed();
  }
}

}  // namespace lvsd::sim

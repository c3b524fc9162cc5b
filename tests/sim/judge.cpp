#include "tests/sim/judge.hpp"

#include <algorithm>
#include <bit>

#include <fmt/format.h>

#include "vrrp/timers.hpp"

namespace lvsd::sim {
namespace {

constexpr Instant kRoundSpacing = 20 * kMillisecond;
constexpr Instant kLeaseSlack = 30 * kMillisecond;  // the kernel's, see host.cpp

unsigned bit(int director) { return 1u << director; }
int only(unsigned bits) { return std::countr_zero(bits); }

}  // namespace

Judge::Judge(const Stage& stage, const std::vector<Director>& directors, int routers, std::int64_t drift_ppm,
             Instant calm_delay)
    : stage_{stage}, directors_{directors}, router_count_{routers}, drift_ppm_{drift_ppm}, calm_delay_{calm_delay} {
  for (auto& director : announced_) director.fill(-kSecond);
}

void Judge::fail(const std::string& what) {
  if (!breach_) breach_ = Breach{what, stage_.now};
}

void Judge::follow(Watch& watch, bool condition, Instant bound, const char* name) {
  if (!condition) {
    watch.since = kNever;
    return;
  }
  if (watch.since == kNever) {
    watch.since = stage_.now;
    watch.bound = 0;
  }
  watch.bound = std::max(watch.bound, bound);
  watch.name = name;
}

Instant Judge::down() const {
  return with_drift(ns(vrrp::master_down_interval(least_priority_, base::Duration{interval_}))) + 2 * delay();
}

Instant Judge::settling_time() const {
  return 2 * down() + with_drift(4 * interval_ + ns(vrrp::handover_limit(base::Duration{interval_})) + pauses()) +
         10 * delay();
}

// The longest that a director may wait beside the protocol's own timers: after its start, out of fault, and before it
// deposes a living master.
Instant Judge::pauses() const {
  Instant longest = 0;
  for (const auto& director : directors_) {
    const auto& settings = director.settings();
    const Instant held = settings.flap_hold_down > base::Duration{} ? ns(vrrp::fault_hold(settings.interval)) : 0;
    longest = std::max(
        longest, ns(settings.startup_delay) + held + ns(std::max(settings.preempt_delay, settings.flap_hold_down)));
  }
  return longest;
}

bool Judge::settled() const {
  if (!calm_ || stage_.now - since_ <= settling_time()) return false;
  const auto one = [&](int number) { return std::popcount(routers_[static_cast<std::size_t>(number)].active) == 1; };
  for (int number = 0; number < router_count_; ++number) {
    if (!one(number)) return false;
  }
  return true;
}

// Who is usable, and do they all hear each other and the client them?
void Judge::measure() {
  usable_ = 0;
  for (int d = 0; d < director_count(); ++d) {
    if (directors_[static_cast<std::size_t>(d)].usable()) usable_ |= bit(d);
  }
  unsigned speaking = usable_;
  for (int d = 0; d < director_count(); ++d) {
    for (int number = 0; number < router_count_; ++number) {
      if (directors_[static_cast<std::size_t>(d)].is_leaving(number)) speaking |= bit(d);
    }
  }
  calm_ = stage_.wires.most_delay <= calm_delay_;
  for (int number = 0; number < router_count_; ++number) {
    if (stage_.wires.loss_percent[static_cast<std::size_t>(number)] > 0) calm_ = false;
    for (int from = 0; from < director_count(); ++from) {
      if ((speaking & bit(from)) == 0) continue;
      for (int to = 0; to <= kClient; ++to) {
        const bool concerned = to == kClient || (to < director_count() && (speaking & bit(to)) != 0);
        if (concerned && stage_.wires.cut[number][from][to]) calm_ = false;
      }
    }
  }
}

void Judge::disturbed(Fault fault, int director, bool settled) {
  measure();
  since_ = stage_.now;
  const base::Duration interval{interval_};  // until now
  interval_ = 0;
  least_priority_ = vrrp::kOwnerPriority;
  if (director >= 0) {
    mute_until_[static_cast<std::size_t>(director)] = 0;
    announced_[static_cast<std::size_t>(director)].fill(-kSecond);
  }
  for (int number = 0; number < router_count_; ++number) {
    auto& router = routers_[static_cast<std::size_t>(number)];
    for (Watch* watch : {&router.none, &router.two, &router.stale, &router.outranked, &router.unanswered,
                         &router.beside_the_silenced}) {
      watch->since = kNever;
    }
    for (auto& watch : router.beside_the_leaving) watch.since = kNever;
    router.double_seen = false;
    const bool hit = fault != Fault::other && director >= 0 && settled && calm_ && router.active == bit(director);
    router.silenced = hit && fault == Fault::master_silenced ? director : -1;
    router.race = hit;
    int best = 0;
    for (int d = 0; d < director_count(); ++d) {
      if ((usable_ & bit(d)) != 0) best = std::max<int>(best, directors_[static_cast<std::size_t>(d)].priority());
    }
    const Instant succession = ns(vrrp::skew_time(static_cast<std::uint8_t>(best), interval)) + 3 * delay();
    router.guarded = hit && fault == Fault::master_stops && best > 0 &&
                     with_drift(succession) <
                         ns(vrrp::handover_limit(directors_[static_cast<std::size_t>(director)].settings().interval));
  }
}

// Whoever it hears may have a shorter interval than its own.
void Judge::must_listen(int director) {
  if (stage_.now - last_resignation_ <= 2 * delay()) return;
  Instant least = kNever;
  for (const auto& any : directors_) least = std::min(least, ns(any.settings().interval));
  mute_until_[static_cast<std::size_t>(director)] = stage_.now + least / 2;
}

void Judge::advertised(int from, int, std::uint8_t priority) {
  if (priority == vrrp::kResignPriority) {  // the others need not listen any longer
    last_resignation_ = stage_.now;
    const Instant own = mute_until_[static_cast<std::size_t>(from)];
    mute_until_.fill(0);
    mute_until_[static_cast<std::size_t>(from)] = own;
  } else if (stage_.now < mute_until_[static_cast<std::size_t>(from)] && priority != vrrp::kOwnerPriority) {
    fail(fmt::format("I8: lvs{} advertises after a pause, before it has listened", from + 1));
  }
}

void Judge::announced(int from, int router) {
  const auto& director = directors_[static_cast<std::size_t>(from)];
  auto& last = announced_[static_cast<std::size_t>(from)][static_cast<std::size_t>(router)];
  if (!director.is_active(router)) fail(fmt::format("I7: lvs{} r{} announces and is not master", from + 1, router));
  if (stage_.now < mute_until_[static_cast<std::size_t>(from)] && director.priority() != vrrp::kOwnerPriority) {
    fail(fmt::format("I8: lvs{} announces after a pause, before it has listened", from + 1));
  }
  if (with_drift(stage_.now - last) < kRoundSpacing) {
    fail(fmt::format("I6: lvs{} r{} announces twice within {} ms", from + 1, router, kRoundSpacing / kMillisecond));
  }
  last = stage_.now;
}

void Judge::before() {
  const auto check = [&](const Watch& watch) {
    if (watch.since == kNever || stage_.now - watch.since <= watch.bound) return;
    fail(fmt::format("{}; for {:.3f} ms, allowed {:.3f} ms", watch.name,
                     static_cast<double>(stage_.now - watch.since) / kMillisecond,
                     static_cast<double>(watch.bound) / kMillisecond));
  };
  for (int number = 0; number < router_count_; ++number) {
    const auto& router = routers_[static_cast<std::size_t>(number)];
    for (const Watch* watch : {&router.none, &router.two, &router.stale, &router.outranked, &router.unanswered,
                               &router.beside_the_silenced}) {
      check(*watch);
    }
    for (std::size_t d = 0; d < directors_.size(); ++d) {
      check(router.leaving[d]);
      check(router.beside_the_leaving[d]);
      check(router.left_behind[d]);
    }
  }
}

void Judge::after() {
  for (int d = 0; d < director_count(); ++d) {
    if ((usable_ & bit(d)) == 0) continue;
    const auto& director = directors_[static_cast<std::size_t>(d)];
    interval_ = std::max(interval_, ns(director.settings().interval));
    least_priority_ = std::min(least_priority_, director.priority());
    for (int number = 0; number < router_count_; ++number) {
      const auto& adopted = director.state(number).master_interval;
      if (adopted) interval_ = std::max(interval_, ns(*adopted));
    }
  }
  for (int number = 0; number < router_count_; ++number) {
    look_at_roles(number);
    look(number);
    look_at_the_client(number);
    look_at_addresses(number);
  }
}

void Judge::look_at_roles(int number) {
  auto& router = routers_[static_cast<std::size_t>(number)];
  unsigned active = 0;
  unsigned fresh = 0;
  for (int d = 0; d < director_count(); ++d) {
    const auto& director = directors_[static_cast<std::size_t>(d)];
    if (!director.acts()) continue;
    const auto role = director.state(number).role;
    auto& known = roles_[static_cast<std::size_t>(d)][static_cast<std::size_t>(number)];
    if (role != known && calm_ && (usable_ & bit(d)) != 0 && stage_.now - since_ > settling_time()) {
      fail(fmt::format("I5: lvs{} r{} changes its role in a settled calm", d + 1, number));
    }
    if (role != known && role == vrrp::Role::master) fresh |= bit(d);
    if (role != known && role == vrrp::Role::backup)
      backup_since_[static_cast<std::size_t>(d)][static_cast<std::size_t>(number)] = stage_.now;
    auto& troubled = troubled_[static_cast<std::size_t>(d)];
    if (director.has_trouble()) {
      troubled = stage_.now;
      held_by_[static_cast<std::size_t>(d)] = director.settings().interval;
    }
    const auto least = std::min<Instant>(ns(director.quiet(number)), kSecond);
    if (known == vrrp::Role::fault && role == vrrp::Role::backup && with_drift(stage_.now - troubled) < least) {
      fail(fmt::format("I5: lvs{} r{} leaves fault again before it has held", d + 1, number));
    }
    known = role;
    if (role != vrrp::Role::master && director.holds(number)) {
      fail(fmt::format("I7: lvs{} r{} holds the address and is not master", d + 1, number));
    }
    if (director.is_active(number)) active |= bit(d);
    // Anew, or again after a handover that nobody took.
    if ((active & ~router.active & bit(d)) != 0) router.active_from[static_cast<std::size_t>(d)] = stage_.now;
  }
  router.active = active;
  if (std::popcount(active) == 1 && router.owner != only(active)) {
    if (number == 0 && router.owner >= 0) ++failovers_;
    router.owner = only(active);
  }
  for (int d = 0; d < director_count(); ++d) {
    if ((fresh & bit(d)) != 0) took_over(number, d);
  }
}

// Another that outranks it is active. In calm only the echo of a resignation explains that, for whose answer it has not
// waited.
bool Judge::is_needless(int number, int director) {
  const auto& router = routers_[static_cast<std::size_t>(number)];
  const auto& taker = directors_[static_cast<std::size_t>(director)];
  bool outranked = false;
  bool heard = false;
  for (int d = 0; d < director_count(); ++d) {
    const auto& other = directors_[static_cast<std::size_t>(d)];
    if (d == director || (router.active & usable_ & bit(d)) == 0) continue;
    if (other.priority() < taker.priority() || (other.priority() == taker.priority() && d < director)) continue;
    outranked = true;
    heard = heard || stage_.now - router.active_from[static_cast<std::size_t>(d)] > with_drift(interval_) + 2 * delay();
  }
  const bool settling = !calm_ || stage_.now - since_ <= with_drift(interval_) + 4 * delay();
  const auto skew = ns(vrrp::skew_time(taker.priority(), base::Duration{interval_}));
  const bool resigned = stage_.now - last_resignation_ <= skew + 3 * delay() && skew <= 3 * delay();
  const bool owner = taker.priority() == vrrp::kOwnerPriority;  // of several: comes out of fault without a look around
  const Instant backup =
      stage_.now - backup_since_[static_cast<std::size_t>(director)][static_cast<std::size_t>(number)];
  const bool listened = backup > with_drift(interval_) + 2 * delay();  // out of fault it waits by its own interval
  if (heard && listened && !settling && !resigned && !owner && (usable_ & bit(director)) != 0) {
    fail(fmt::format("I3: lvs{} takes over although a better one is active", director + 1));
  }
  return outranked;
}

void Judge::took_over(int number, int director) {
  auto& router = routers_[static_cast<std::size_t>(number)];
  router.active_since = stage_.now;
  router.two.since = kNever;  // a conflict with this one begins now
  router.wrong = is_needless(number, director);
  must_be_quiet(number, director);
  if (!std::exchange(router.race, false)) return;
  const auto& winner = directors_[static_cast<std::size_t>(director)];
  for (int d = 0; d < director_count(); ++d) {
    const auto& other = directors_[static_cast<std::size_t>(d)];
    if (d == director || (usable_ & bit(d)) == 0 || other.state(number).role != vrrp::Role::backup) continue;
    // Skew times are parts of the interval of the master that is gone (§6.1), not of the longest one around.
    const auto interval = other.state(number).master_interval.value_or(other.settings().interval);
    const Instant lead = (other.priority() - winner.priority()) * (ns(interval) / 256);
    const Instant noise = 3 * delay() + with_drift(4 * interval_) - 4 * interval_;
    if (lead > noise) fail(fmt::format("I3: lvs{} takes over before lvs{}, which outranks it", director + 1, d + 1));
  }
}

// A conflict in calm ends when the advert of the new master arrives, or if that one is in the wrong, the answer to it;
// one from before the calm, when the next advert is sent.
Instant Judge::conflict_bound(Instant since, bool wrong) const {
  const Instant begins = since == kNever ? stage_.now : since;
  const bool old = begins <= since_ + with_drift(interval_) + 2 * delay();
  return old ? with_drift(interval_) + 3 * delay() : (wrong ? 2 : 1) * delay() + kSlack;
}

// For how long usable directors may still wait, who start, or come out of fault.
Instant Judge::late_start() const {
  Instant longest = 0;
  for (const auto& director : directors_) {
    if (!director.usable()) continue;
    const auto& settings = director.settings();
    for (int number = 0; number < router_count_; ++number) {
      if (director.starts_late(number)) longest = std::max(longest, ns(settings.startup_delay));
      const bool held = director.state(number).role == vrrp::Role::fault && settings.flap_hold_down > base::Duration{};
      // The hold is of the interval that was in force when it began: a reload meanwhile does not end it.
      const auto interval =
          std::max(settings.interval, held_by_[static_cast<std::size_t>(&director - directors_.data())]);
      if (held) longest = std::max(longest, ns(vrrp::fault_hold(interval)) + ns(settings.startup_delay));
    }
  }
  return with_drift(longest);
}

// Whom it has deposed was alive, and it has heard it: did it wait for as long as it has to?
void Judge::must_be_quiet(int number, int director) {
  const auto& router = routers_[static_cast<std::size_t>(number)];
  const auto& taker = directors_[static_cast<std::size_t>(director)];
  if (taker.starts_late(number))
    fail(fmt::format("I2: lvs{} is master before its startup delay is over", director + 1));
  const bool resigned = stage_.now - last_resignation_ <= down();
  if (!calm_ || stage_.now - since_ <= down() || resigned || taker.priority() == vrrp::kOwnerPriority) return;
  for (int d = 0; d < director_count(); ++d) {
    const Instant lives = stage_.now - router.active_from[static_cast<std::size_t>(d)];
    if (d == director || (router.active & usable_ & bit(d)) == 0 || lives <= down()) continue;
    const Instant waited =
        stage_.now - backup_since_[static_cast<std::size_t>(director)][static_cast<std::size_t>(number)];
    // Out of fault it waits by its own interval, and may be master before a slower one speaks.
    const bool quick = 4 * ns(taker.settings().interval) <= interval_;
    if (quick && waited <= with_drift(interval_) + 2 * delay()) continue;
    if (with_drift(waited) < ns(taker.settings().preempt_delay)) {
      fail(fmt::format("I5: lvs{} deposes a living master before its preempt delay is over", director + 1));
    }
    if (taker.since_loss(number) < taker.quiet(number)) {
      fail(fmt::format("I5: lvs{} deposes a living master although it has flapped", director + 1));
    }
  }
}

// Of a usable director that has resigned and may come back.
Instant Judge::longest_handover() const {
  Instant longest = 0;
  for (const auto& director : directors_) {
    for (int number = 0; number < router_count_ && director.usable(); ++number) {
      if (!director.is_leaving(number)) continue;
      longest = std::max(longest, with_drift(ns(vrrp::handover_limit(director.settings().interval))));
    }
  }
  return longest;
}

void Judge::look(int number) {
  auto& router = routers_[static_cast<std::size_t>(number)];
  const unsigned active = router.active & usable_;
  const bool none = calm_ && usable_ != 0 && active == 0;
  follow(router.none, none, none ? down() + longest_handover() + late_start() : 0, "I2: nobody is active");
  const bool two = calm_ && std::popcount(active) > 1;
  if (two) router.double_seen = true;
  follow(router.two, two, conflict_bound(router.two.since, router.wrong), "I1: two are active");
  bool outranked = false;
  if (calm_ && std::popcount(active) == 1) {
    const auto& master = directors_[static_cast<std::size_t>(only(active))];
    for (int d = 0; d < director_count(); ++d) {
      const auto& other = directors_[static_cast<std::size_t>(d)];
      const bool preempts = (usable_ & bit(d)) != 0 && other.may_preempt(number);
      outranked = outranked || (preempts && other.priority() > master.priority());
    }
  }
  follow(router.outranked, outranked, outranked ? settling_time() : 0,
         "I3: a director that may preempt outranks the active one");
}

void Judge::look_at_the_client(int number) {
  auto& router = routers_[static_cast<std::size_t>(number)];
  const unsigned active = router.active & usable_;
  const bool stale = calm_ && std::popcount(active) == 1 && router.client_believes != only(active);
  Instant bound = 0;
  if (stale) {
    const auto& settings = directors_[static_cast<std::size_t>(only(active))].settings();
    const Instant burst = settings.garp_count * kRoundSpacing + 2 * delay();
    bound = with_drift(ns(settings.garp_repeat_delay) + ns(settings.garp_refresh)) + burst;
    if (router.double_seen) bound = with_drift(3 * interval_) + 4 * delay() + kRoundSpacing;
    // What others had said before the calm has arrived before the takeover.
    const bool alone = router.active_since >= since_ + 2 * delay();
    if (!router.double_seen && alone) bound = with_drift(burst);
  }
  follow(router.stale, stale, bound, "I3: the client's last word is not the active director's");
}

void Judge::look_at_addresses(int number) {
  auto& router = routers_[static_cast<std::size_t>(number)];
  bool answered = false;
  for (int d = 0; d < director_count(); ++d) {
    const auto at = static_cast<std::size_t>(d);
    const auto& director = directors_[at];
    const bool answers = director.answers(number);
    const bool elsewhere = calm_ && (router.active & usable_ & ~bit(d)) != 0;
    const base::Duration interval = director.settings().interval;
    answered = answered || answers;

    const bool leaving = director.is_leaving(number);
    const bool has_resigned = director.running() && director.state(number).leaving_for.has_value();
    if (!std::exchange(router.resigned[at], has_resigned)) {
      router.handover_limit[at] = with_drift(ns(vrrp::handover_limit(interval))) + delay();
    }
    const Instant limit = router.handover_limit[at];
    follow(router.leaving[at], leaving, limit, "I7: a resigned master still holds the address");
    follow(router.beside_the_leaving[at], leaving && answers && elsewhere,
           conflict_bound(router.beside_the_leaving[at].since, false),
           "I7: a resigned master and its successor both answer");

    follow(router.left_behind[at], answers && !director.acts(), ns(director.lease(number)) + kLeaseSlack,
           "I8: the address outlives the lease");
    if (router.silenced == d) {
      const Instant overlap = std::max<Instant>(ns(director.lease(number)) - ns(3 * interval), 0);
      follow(router.beside_the_silenced, answers && elsewhere && !director.acts(),
             overlap + kLeaseSlack + with_drift(4 * interval_) - 4 * interval_,
             "I8: a silenced master and its successor both answer");
    }
  }
  follow(router.unanswered, router.guarded && !answered, 0, "I2: nobody answers during a graceful stop");
}

}  // namespace lvsd::sim

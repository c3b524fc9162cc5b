#include "tests/sim/world.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "vrrp/timers.hpp"

namespace lvsd::sim {
namespace {

class World {
 public:
  World(Choice& choice, std::function<void(Instant, const std::string&)> story)
      : choice_{choice},
        plan_{Plan::draw(choice)},
        stage_{choice, static_cast<int>(plan_.settings.size())},
        directors_{make_directors()},
        judge_{stage_, directors_, plan_.routers, plan_.drift_ppm, plan_.most_delay} {
    stage_.onlooker = &judge_;
    stage_.story = std::move(story);
    stage_.wires.least_delay = plan_.least_delay;
    stage_.wires.most_delay = plan_.most_delay;
    stage_.wires.twice_percent = plan_.twice_percent;
    stage_.most_lateness = plan_.most_lateness;
  }

  Outcome run(std::uint64_t faults) {
    describe();
    for (auto& director : directors_) director.start();
    judge_.disturbed(Fault::other, -1, false);
    judge_.after();
    stage_.schedule({.at = 0, .kind = Kind::fault});
    Outcome outcome;
    while (faults_ < faults && !judge_.breach()) {
      const Happening next = stage_.pop();
      stage_.now = next.at;
      judge_.before();
      handle(next);
      judge_.after();
      ++outcome.happenings;
    }
    outcome.breach = judge_.breach();
    outcome.failovers = judge_.failovers();
    outcome.faults = faults_;
    outcome.simulated = stage_.now;
    return outcome;
  }

 private:
  std::vector<Director> make_directors() {
    std::vector<Director> result;
    for (std::size_t d = 0; d < plan_.settings.size(); ++d) {
      result.emplace_back(stage_, static_cast<int>(d), plan_.routers, plan_.settings[d], plan_.clocks[d]);
    }
    return result;
  }

  void describe() {
    for (std::size_t d = 0; d < directors_.size(); ++d) describe_settings(static_cast<int>(d));
    stage_.tell([&] {
      return fmt::format("{} routers; delay {} .. {} µs, lateness {} µs, drift {} ppm", plan_.routers,
                         plan_.least_delay / 1000, plan_.most_delay / 1000, plan_.most_lateness / 1000,
                         plan_.drift_ppm);
    });
  }

  void describe_settings(int d) {
    stage_.tell([&] {
      const auto& s = director(d).settings();
      const auto time = [](base::Duration duration) { return base::format_duration(duration); };
      return fmt::format("lvs{}: priority {}, interval {}, {}; delays: preempt {}, startup {}, hold-down {}", d + 1,
                         s.priority, time(s.interval), s.preempt ? "preempts" : "does not preempt",
                         time(s.preempt_delay), time(s.startup_delay), time(s.flap_hold_down));
    });
  }

  Director& director(int number) { return directors_[static_cast<std::size_t>(number)]; }
  int count() const { return static_cast<int>(directors_.size()); }

  void handle(const Happening& happening) {
    if (happening.kind == Kind::fault) return next_fault();
    if (happening.kind == Kind::frame) return judge_.client_heard(happening.from, happening.router);
    director(happening.director).handle(happening);
  }

  // --- faults: some, close together or apart; then repairs; then often a calm long enough to settle in ---------------

  void next_fault() {
    const bool settled = judge_.settled();
    Instant wait = 0;
    if (flaps_left_ > 0) {
      wait = flap();
    } else if (std::exchange(was_slow_, false)) {
      disturbed(Fault::other, -1, false);  // the last slow packet has arrived
    } else if (faults_left_ > 0) {
      --faults_left_;
      ++faults_;
      strike(settled);
      wait = pause_between();
      if (faults_left_ == 0 && choice_.percent(60)) wait += long_enough() * choice_.between(1, 10) / 10;
    } else if (repair()) {
      wait = was_slow_ ? 2 * ns(plan_.interval) : choice_.percent(60) ? 0 : pause_between();
    } else {
      faults_left_ = static_cast<int>(choice_.between(1, 3));
      wait = choice_.percent(80) ? long_enough() + pause_between() : pause_between();
      disturbed(Fault::other, -1, false);
    }
    stage_.schedule({.at = stage_.now + wait, .kind = Kind::fault});
  }

  Instant pause_between() {
    const Instant interval = ns(plan_.interval);
    return choice_.between(0, choice_.one_of<Instant>({interval / 10, interval, 4 * interval}));
  }
  Instant long_enough() const { return judge_.settling_time() + kMillisecond; }

  void disturbed(Fault fault, int number, bool settled) { judge_.disturbed(fault, number, settled); }

  // Mostly whoever is master.
  int victim() {
    if (choice_.percent(70)) {
      for (int d = 0; d < count(); ++d) {
        if (director(d).is_active(0)) return d;
      }
    }
    return static_cast<int>(choice_.below(directors_.size()));
  }

  void say(int number, const char* what) {
    stage_.tell([&] { return fmt::format("*** lvs{} {}", number + 1, what); });
  }

  void strike(bool settled) {
    const int number = victim();
    auto& hit = director(number);
    const bool up = hit.acts() && !hit.stopping();
    switch (choice_.below(22)) {
      case 0:
      case 1:
        if (!hit.running() || !is_awake(hit)) return undo(number);
        say(number, "all processes die");
        hit.crash(true);
        return disturbed(Fault::master_silenced, number, settled);
      case 2:
        say(number, "loses its power");
        hit.power_off();
        return disturbed(Fault::master_silenced, number, settled);
      case 3:
        if (!hit.running() || !is_awake(hit)) return undo(number);
        say(number, "the vrrp process dies");
        hit.crash(false);
        return disturbed(Fault::master_silenced, number, settled);
      case 4:
      case 5:
        if (!up) return;
        say(number, "is stopped");
        hit.stop();
        return disturbed(Fault::master_stops, number, settled);
      case 6:
      case 7:
        return hit.acts() ? pause(number, Pause::stalled, settled) : undo(number);
      case 8:
        return hit.acts() ? pause(number, choice_.percent(50) ? Pause::asleep : Pause::frozen, settled) : undo(number);
      case 9:
        say(number, "a required track fails");
        required_down_ |= 1u << number;
        hit.set_required(false);
        return disturbed(Fault::master_stops, number, settled && up);
      case 10:
        say(number, "a track with a weight fails");
        uplink_down_ |= 1u << number;
        hit.set_uplink(false);
        return disturbed(Fault::other, number, settled);
      case 11:
        return cut_link(number);
      case 12:
      case 13:
        return harm_wires(number);
      case 14:
        return harm_delay();
      case 15:
      case 16:
        if (!up) return;
        say(number, "hands over by command");
        hit.cede();
        return disturbed(Fault::master_stops, number, settled);
      case 17:
        return conditions(number, settled && up);
      case 18:
        flapping_ = number;
        flaps_left_ = 2 * static_cast<int>(choice_.between(2, 8));
        return;
      default:
        return reconfigure(number);
    }
  }

  // What the supervisor tells.
  void conditions(int number, bool settled) {
    auto& hit = director(number);
    told_ |= 1u << number;
    switch (choice_.below(3)) {
      case 0:
        say(number, "is in maintenance");
        hit.set_maintenance(true);
        return disturbed(Fault::master_stops, number, settled);
      case 1:
        say(number, "a neighbour does not answer");
        hit.set_neighbour(false);
        return disturbed(Fault::other, number, false);
      default:
        say(number, "its own checks have no results");
        hit.set_proven(false);
        return disturbed(Fault::other, number, false);
    }
  }

  // A required track that comes and goes; well in the end.
  Instant flap() {
    const bool up = --flaps_left_ % 2 == 0;
    say(flapping_, up ? "its track is well again" : "its track fails again");
    required_down_ &= ~(1u << flapping_);
    director(flapping_).set_required(up);
    disturbed(Fault::other, flapping_, false);
    return choice_.between(0, choice_.percent(50) ? ns(plan_.interval) / 4 : 4 * ns(plan_.interval));
  }

  static bool is_awake(const Director& director) {
    return director.paused() == Pause::none || director.paused() == Pause::stalled;
  }

  void start(int number) {
    if (director(number).running()) return;
    say(number, "starts");
    director(number).start();
    disturbed(Fault::other, number, false);
  }

  void pause(int number, Pause kind, bool settled) {
    say(number, kind == Pause::stalled ? "stands still" : kind == Pause::asleep ? "falls asleep" : "is frozen");
    was_active_[static_cast<std::size_t>(number)] = director(number).is_active(0);
    paused_at_[static_cast<std::size_t>(number)] = stage_.now;
    director(number).pause(kind);
    disturbed(Fault::master_silenced, number, settled);
  }

  void undo(int number) {
    auto& hit = director(number);
    if (hit.paused() == Pause::none) return start(number);
    say(number, "goes on");
    const auto at = static_cast<std::size_t>(number);
    const bool noticed = hit.paused() != Pause::frozen;
    const Instant lasted = stage_.now - paused_at_[at];
    const Instant patience =
        ns(vrrp::least_peer_patience(hit.settings().interval)) * 102 / 100 + 2 * plan_.most_lateness;
    const bool must_listen = hit.running() && noticed && lasted > patience && was_active_[at] &&
                             hit.settings().priority != vrrp::kOwnerPriority && !hit.resignation_waits();
    disturbed(Fault::other, number, false);
    if (must_listen) judge_.must_listen(number);
    hit.go_on();
    judge_.disturbed(Fault::other, -1, false);
  }

  void cut_link(int number) {
    const auto router = static_cast<int>(choice_.below(static_cast<std::uint64_t>(plan_.routers)));
    const bool up = director(number).link_up(router);
    say(number, up ? "a cable is cut" : "a cable is mended");
    director(number).set_link(router, !up);
    disturbed(Fault::other, number, false);
  }

  void harm_wires(int number) {
    auto& wires = stage_.wires;
    const auto lan = choice_.below(static_cast<std::uint64_t>(plan_.routers));
    const auto kind = choice_.below(3);
    if (kind == 0) {
      wires.loss_percent[lan] = static_cast<unsigned>(choice_.one_of({5, 30, 60, 95}));
      stage_.tell([&] { return fmt::format("*** lan{} loses {} %", lan, wires.loss_percent[lan]); });
    } else {
      const bool both = kind == 1;
      stage_.tell(
          [&] { return fmt::format("*** lvs{} is {} on lan{}", number + 1, both ? "cut off" : "not heard", lan); });
      const bool client_too = choice_.percent(50);
      for (int other = 0; other <= kClient; ++other) {
        if (other == kClient && !client_too) continue;
        wires.cut[lan][number][other] = true;
        if (both) wires.cut[lan][other][number] = true;
      }
    }
    disturbed(Fault::other, -1, false);
  }

  void harm_delay() {
    stage_.tell([] { return std::string{"*** the wires become slow"}; });
    stage_.wires.most_delay = 2 * ns(plan_.interval);
    disturbed(Fault::other, -1, false);
  }

  void reconfigure(int number) {
    auto& hit = director(number);
    Settings settings = hit.settings();
    switch (choice_.below(3)) {
      case 0:
        settings.priority = draw_priority(choice_, plan_.routers);
        break;
      case 1:
        settings.interval = draw_interval(choice_, plan_.interval);
        break;
      default:
        settings.preempt = !settings.preempt;
    }
    if (hit.running() && !hit.acts()) return;  // the message waits; not modelled
    hit.reconfigure(settings);
    say(number, "is configured anew");
    describe_settings(number);
    disturbed(Fault::other, number, false);
  }

  // Puts one broken thing in order; false when nothing is broken, or it shall stay so.
  bool repair() {
    if (choice_.percent(5)) return false;
    auto& wires = stage_.wires;
    if (wires.most_delay != plan_.most_delay) {
      wires.most_delay = plan_.most_delay;
      was_slow_ = true;
      return true;
    }
    if (harmed()) {
      stage_.tell([] { return std::string{"*** the wires are whole again"}; });
      wires.heal();
      disturbed(Fault::other, -1, false);
      return true;
    }
    for (int d = 0; d < count(); ++d) {
      if (repair(d)) return true;
    }
    return false;
  }

  bool harmed() const {
    for (int lan = 0; lan < plan_.routers; ++lan) {
      if (stage_.wires.loss_percent[static_cast<std::size_t>(lan)] > 0) return true;
      for (const auto& from : stage_.wires.cut[lan]) {
        if (std::ranges::any_of(from, [](bool cut) { return cut; })) return true;
      }
    }
    return false;
  }

  bool repair(int number) {
    auto& broken = director(number);
    if (broken.paused() != Pause::none || !broken.running()) {
      undo(number);
      return true;
    }
    for (int router = 0; router < plan_.routers; ++router) {
      if (broken.link_up(router)) continue;
      say(number, "a cable is mended");
      broken.set_link(router, true);
      disturbed(Fault::other, number, false);
      return true;
    }
    const unsigned bit = 1u << number;
    if (((uplink_down_ | required_down_ | told_) & bit) == 0) return false;
    say(number, "its tracks are well, and it may take part");
    uplink_down_ &= ~bit;
    required_down_ &= ~bit;
    told_ &= ~bit;
    broken.set_uplink(true);
    broken.set_required(true);
    broken.set_neighbour(true);
    broken.set_proven(true);
    broken.set_maintenance(false);
    disturbed(Fault::other, number, false);
    return true;
  }

  Choice& choice_;
  Plan plan_;
  Stage stage_;
  std::vector<Director> directors_;
  Judge judge_;
  std::uint64_t faults_ = 0;
  int faults_left_ = 0;
  bool was_slow_ = false;
  unsigned uplink_down_ = 0;
  unsigned required_down_ = 0;
  unsigned told_ = 0;  // by the supervisor
  int flapping_ = 0;
  int flaps_left_ = 0;
  std::array<bool, kMaxDirectors> was_active_{};
  std::array<Instant, kMaxDirectors> paused_at_{};
};

}  // namespace

Outcome run(Choice choice, std::uint64_t faults, std::function<void(Instant, const std::string&)> story) {
  World world{choice, std::move(story)};
  return world.run(faults);
}

}  // namespace lvsd::sim

#include "healthcheck/monitor.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <unordered_map>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "healthcheck/schedule.hpp"
#include "healthcheck/target_state.hpp"

namespace lvsd::healthcheck {
namespace {

using namespace std::chrono_literals;

constexpr base::Duration kStalled = 5s;  // a check this long over its deadline, or a start this late with room for it

// Checks that are due within the same millisecond are started by one wake-up: at 10,000 a second the wake-ups would
// cost as much as a tenth of the checks.
base::TimePoint wake_up_for(base::TimePoint due) {
  const auto since = due.time_since_epoch();
  return base::TimePoint{std::chrono::ceil<std::chrono::milliseconds>(since)};
}

std::int64_t unix_ms_now() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// Between the starts of two checks whose targets timed out last: their timeouts end as far apart, and never hundreds at
// once, which would make others late.
constexpr base::Duration kSlowPace = 500us;

struct Watched;

// Ordered by due time; the serial number keeps equal ones apart.
using Place = std::pair<base::TimePoint, std::uint64_t>;
using Line = std::map<Place, Watched*>;

struct Watched {
  Watched(const Target& t, const Monitor::Earlier& initial, std::uint64_t number, base::TimePoint now,
          std::int64_t unix_ms)
      : target{t},
        serial{number},
        state{t.check, initial.verdict, unix_ms, initial.share},
        schedule{now + t.check.start_delay, state.interval(t.check), seed_of(t.id)} {}

  Target target;
  std::uint64_t serial;
  TargetState state;
  Schedule schedule;
  Line* line = nullptr;  // where it waits; null while its check runs
  Place place;
  std::unique_ptr<Checker> running;
  base::TimePoint running_until;
  bool is_slow = false;                   // of the running check: it took a place of the slow ones
  std::uint64_t earlier_late_starts = 0;  // of schedules that a reload replaced
};

// Somebody waits for the results of these targets.
struct Asked {
  std::set<std::string> open;
  std::function<void()> done;
};

}  // namespace

struct Monitor::Impl : std::enable_shared_from_this<Monitor::Impl> {
  Impl(boost::asio::io_context& loop, Checkers& c, OnChange change, OnLocalTrouble local, std::size_t limit)
      : timer{loop}, checkers{c}, on_change{std::move(change)}, on_local_trouble{std::move(local)}, concurrent{limit} {}

  void enqueue(Watched& w, Line& line, base::TimePoint at) {
    w.place = {at, w.serial};
    w.line = &line;
    line.emplace(w.place, &w);
  }

  void dequeue(Watched& w) {
    if (w.line) w.line->erase(w.place);
    w.line = nullptr;
  }

  // Everything that is due, as far as there is room; then sleeps until the next one.
  void work() {
    const auto now = base::Clock::now();
    while (!agenda.empty() && agenda.begin()->first.first <= now) {
      Watched& w = *agenda.begin()->second;
      const auto due = w.place.first;
      dequeue(w);
      enqueue(w, w.state.last_timed_out() ? slow : prompt, due);
    }
    start_waiting(now);
    arm();
  }

  void start_waiting(base::TimePoint now) {
    while (running < concurrent) {
      const bool slow_may = slow_waits_for_time_alone() && now >= next_slow_start;
      if (prompt.empty() && !slow_may) return;
      const bool take_slow = slow_may && (prompt.empty() || slow.begin()->first < prompt.begin()->first);
      if (take_slow) next_slow_start = now + kSlowPace;
      start(*(take_slow ? slow : prompt).begin()->second, take_slow, now);
    }
  }

  bool slow_waits_for_time_alone() const { return !slow.empty() && running_slow < slow_places(); }

  std::size_t slow_places() const { return std::max<std::size_t>(1, concurrent - concurrent / 4); }

  void start(Watched& w, bool is_slow, base::TimePoint now) {
    dequeue(w);
    w.schedule.start(now);
    w.is_slow = is_slow;
    w.running_until = now + 2 * w.target.check.timeout;  // a late loop may double it, see Deadline
    ++running;
    running_slow += is_slow;
    w.running = checkers.start(w.target, [this, &w](const CheckResult& result) { finish(w, result); });
  }

  void finish(Watched& w, const CheckResult& result) {
    release(w);
    ++results;
    const auto now = base::Clock::now();
    const auto change = w.state.observe(w.target.id, result, {now, unix_ms_now()});
    w.schedule.change_interval(w.state.interval(w.target.check), now);
    enqueue(w, agenda, std::max(w.schedule.due(), now));
    const std::string id = w.target.id;
    const auto keep = shared_from_this();
    if (change) on_change(*change);
    if (result.reason == Reason::Local) on_local_trouble(id, result.text);
    settle(id);
    work();
  }

  // One of those that somebody waits for has had its result, or is gone.
  void settle(const std::string& id) {
    std::vector<std::function<void()>> complete;
    for (auto& one : asked) {
      if (one.open.erase(id) > 0 && one.open.empty()) complete.push_back(std::move(one.done));
    }
    std::erase_if(asked, [](const Asked& one) { return one.open.empty(); });
    for (const auto& done : complete) done();
  }

  void release(Watched& w) {
    if (!w.running) return;
    w.running.reset();
    --running;
    running_slow -= w.is_slow;
    w.is_slow = false;
  }

  void arm() {
    auto due = agenda.empty() ? base::TimePoint::max() : agenda.begin()->first.first;
    if (slow_waits_for_time_alone() && running < concurrent) due = std::min(due, next_slow_start);
    if (due == base::TimePoint::max()) {
      armed_for.reset();
      timer.cancel();
      return;
    }
    const auto next = wake_up_for(due);
    if (armed_for && *armed_for <= next) return;
    armed_for = next;
    timer.expires_at(next);
    timer.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
      const auto self = weak.lock();
      if (!self || error) return;
      self->armed_for.reset();
      self->work();
    });
  }

  void remove(Watched& w) {
    dequeue(w);
    release(w);
  }

  void add(const Target& target, const Earlier& initial) {
    const auto now = base::Clock::now();
    auto watched = std::make_unique<Watched>(target, initial, ++last_serial, now, unix_ms_now());
    enqueue(*watched, agenda, watched->schedule.due());
    const bool presumed = initial.verdict == Verdict::unknown && watched->state.verdict() == Verdict::up;
    targets[target.id] = std::move(watched);
    if (presumed) on_change({target.id, Verdict::up, "not checked yet, initial = up", unix_ms_now(), {}, false});
  }

  void remove_all_but(const std::map<std::string, const Target*>& wanted) {
    for (auto it = targets.begin(); it != targets.end();) {
      if (wanted.contains(it->first)) {
        ++it;
        continue;
      }
      const auto id = it->first;
      remove(*it->second);
      it = targets.erase(it);
      settle(id);
    }
  }

  // Another server under the same id: nothing known of the old one holds.
  void replace(Watched& w, const Target& target) {
    const bool was_known = w.state.verdict() != Verdict::unknown;
    remove(w);
    add(target, {});
    if (was_known)
      on_change({target.id, Verdict::unknown, "not checked yet at its new address", unix_ms_now(), {}, false});
  }

  // A check under way asks the old question: its answer is of no use and it is asked again within the start-up spread.
  void change(Watched& w, const Target& target) {
    const bool same_rhythm = w.state.interval(w.target.check) == w.state.interval(target.check);
    const bool same_asked = same_question(w.target.check, target.check);
    w.state.adopt(w.target.check, target.check);
    w.target = target;
    if (same_rhythm && same_asked) return;
    remove(w);
    w.earlier_late_starts += w.schedule.late_starts();
    w.schedule = Schedule{base::Clock::now(), w.state.interval(target.check), seed_of(target.id)};
    enqueue(w, agenda, w.schedule.due());
  }

  boost::asio::steady_timer timer;
  Checkers& checkers;
  OnChange on_change;
  OnLocalTrouble on_local_trouble;
  std::size_t concurrent;
  std::map<std::string, std::unique_ptr<Watched>> targets;
  Line agenda;  // not yet due
  Line prompt;  // due, waiting for room
  Line slow;    // the same, for those whose last check timed out
  std::size_t running = 0;
  std::size_t running_slow = 0;
  base::TimePoint next_slow_start{};
  std::uint64_t last_serial = 0;
  std::vector<Asked> asked;
  std::uint64_t results = 0;
  std::optional<base::TimePoint> armed_for;
};

Monitor::Monitor(boost::asio::io_context& loop, Checkers& checkers, OnChange on_change, OnLocalTrouble on_local_trouble,
                 std::size_t concurrent)
    : impl_{std::make_shared<Impl>(loop, checkers, std::move(on_change), std::move(on_local_trouble), concurrent)} {}

Monitor::~Monitor() {
  for (auto& [id, watched] : impl_->targets) impl_->remove(*watched);
  impl_->targets.clear();
}

void Monitor::configure(const Config& config, const Known& known) {
  std::map<std::string, const Target*> wanted;
  for (const auto& target : config.targets) wanted[target.id] = &target;
  impl_->remove_all_but(wanted);
  for (const auto& [id, target] : wanted) {
    const auto found = impl_->targets.find(id);
    if (found == impl_->targets.end()) {
      const auto verdict = known.find(id);
      impl_->add(*target, verdict == known.end() ? Earlier{} : verdict->second);
    } else if (found->second->target.endpoint != target->endpoint) {
      impl_->replace(*found->second, *target);
    } else if (found->second->target != *target) {
      impl_->change(*found->second, *target);
    }
  }
  impl_->work();
}

std::vector<TargetStatus> Monitor::status() const {
  std::vector<TargetStatus> all;
  all.reserve(impl_->targets.size());
  const auto now = base::Clock::now();
  for (const auto& [id, w] : impl_->targets) {
    auto& status = all.emplace_back(w->state.status(w->target, now));
    status.next_in_ms = w->running ? 0 : std::max<std::int64_t>(0, base::milliseconds(w->place.first - now));
    status.late_starts = w->earlier_late_starts + w->schedule.late_starts();
  }
  return all;
}

void Monitor::check_now(const std::vector<std::string>& ids, std::function<void()> done) {
  Asked one;
  for (const auto& id : ids) {
    const auto found = impl_->targets.find(id);
    if (found == impl_->targets.end()) continue;
    one.open.insert(id);
    auto& w = *found->second;
    if (w.running) continue;
    impl_->dequeue(w);
    impl_->enqueue(w, impl_->prompt, base::Clock::now());
  }
  if (one.open.empty()) return done();
  one.done = std::move(done);
  impl_->asked.push_back(std::move(one));
  impl_->work();
}

void Monitor::report(const std::vector<std::string>& ids, const std::string& text) {
  for (const auto& id : ids) {
    const auto found = impl_->targets.find(id);
    if (found == impl_->targets.end()) continue;
    const auto change = found->second->state.report(id, text, {base::Clock::now(), unix_ms_now()});
    if (change) impl_->on_change(*change);
  }
}

bool Monitor::makes_progress(base::TimePoint now) const {
  const auto stalled_before = now - kStalled;
  if (!impl_->agenda.empty() && impl_->agenda.begin()->first.first < stalled_before) return false;
  return std::none_of(impl_->targets.begin(), impl_->targets.end(), [stalled_before](const auto& entry) {
    return entry.second->running && entry.second->running_until < stalled_before;
  });
}

std::uint64_t Monitor::results() const { return impl_->results; }

}  // namespace lvsd::healthcheck

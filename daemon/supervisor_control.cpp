// Supervisor's dealings with people: reload, stop, status.
#include <algorithm>

#include <fmt/format.h>
#include <unistd.h>

#include "base/channel.hpp"
#include "base/log.hpp"
#include "daemon/run_dir.hpp"
#include "daemon/supervisor.hpp"
#include "daemon/version.hpp"
#include "vrrp/timers.hpp"

namespace lvsd::daemon {
namespace log = base::log;
using base::Clock;

namespace {

constexpr base::Duration kVrrpStop{std::chrono::seconds{1}};  // beside the time that a handover may take
constexpr base::Duration kForwardAfterwards{std::chrono::milliseconds{250}};
constexpr base::Duration kOthersStop{std::chrono::seconds{3}};
constexpr base::Duration kStatusSoon{std::chrono::seconds{1}};
constexpr base::Duration kStatusAnyway{std::chrono::seconds{10}};

// The lines of rendered diagnostics that state an error; the source lines and carets are for lvsctl.
void log_errors(std::string_view rendered) {
  while (!rendered.empty()) {
    const auto line = rendered.substr(0, rendered.find('\n'));
    rendered.remove_prefix(std::min(rendered.size(), line.size() + 1));
    if (line.find(": error: ") != std::string_view::npos) log::error("config", "{}", line);
  }
}

}  // namespace

base::Result<void> Supervisor::listen(const std::string& run_dir) {
  if (auto ok = server_.listen_unix(run_dir + "/lvsd.sock", Door::ReadWrite, {group_or_root("lvsd-admin"), 0660}); !ok)
    return ok;
  return server_.listen_unix(run_dir + "/ro.sock", Door::ReadOnly, {group_or_root("lvsd"), 0660});
}

// --- reload ----------------------------------------------------------------------------------------------------------

void Supervisor::reload(const std::string& origin, std::function<void(ReloadResult)> done) {
  if (stopping_ != Stopping::No) {
    if (done) done({false, {}, "lvsd is stopping", {}, 0});
    return;
  }
  if (done) next_waiting_.push_back(std::move(done));
  reload_again_ = true;
  if (reloading_) return log::debug("config", "reload asked for by {}: after the one under way", origin);
  log::notice("config", "reload asked for by {}", origin);
  begin_reload();
}

void Supervisor::begin_reload() {
  reload_again_ = false;
  reloading_ = Reloading{Clock::now(), {}, {}, std::exchange(next_waiting_, {})};
  manager_.reloading();
  auto attempt = configurations_.load();
  reloading_->diagnostics = attempt.diagnostics;
  if (!attempt.loaded) {
    log_errors(attempt.diagnostics);
    return finish_reload(false, attempt.diagnostics);
  }
  const auto old_one = configurations_.in_force();
  if (old_one) {
    reloading_->changes = describe_changes(*old_one, *attempt.loaded);
    if (is_same(*old_one, *attempt.loaded) && !steering_.has_candidate()) return finish_reload(true, {});
  }
  configurations_.set_candidate(attempt.loaded);
  carry_out(steering_.propose(revision_of(*attempt.loaded), Clock::now()));
}

// Also the end of the attempt that a start is; then nobody waits.
void Supervisor::finish_reload(bool ok, std::string error) {
  const auto in_force = configurations_.in_force();
  const std::string fingerprint = in_force ? in_force->fingerprint : "";
  if (ok) {
    configurations_.reload_succeeded();
    note("config", "config", "", "loaded", fingerprint);
  } else {
    log::error("config", "not accepted, {} stays in force: {}", fingerprint.empty() ? "nothing" : fingerprint,
               std::string_view{error}.substr(0, error.find('\n')));
    configurations_.reload_failed(error);
    note("config", "config", "", "refused", error.substr(0, error.find('\n')));
  }
  status_changed_ = true;
  if (!reloading_) return;
  auto reloading = std::move(*reloading_);
  reloading_.reset();
  if (ready_) manager_.ready();
  ReloadResult result;
  result.ok = ok;
  result.fingerprint = fingerprint;
  result.diagnostics = ok ? reloading.diagnostics : error;
  if (ok) result.changes = std::move(reloading.changes);
  result.took_ms = base::milliseconds(Clock::now() - reloading.began);
  if (ok)
    log::notice("config", "{} in force, {} changes, took {} ms", fingerprint, result.changes.size(), result.took_ms);
  for (const auto& change : result.changes) log::info("config", "{}", change);
  for (const auto& done : reloading.waiting) done(result);
  if (reload_again_)
    reload_timer_.after(base::Duration::zero(), [this] {
      if (!reloading_ && stopping_ == Stopping::No) begin_reload();
    });
}

void Supervisor::put_in_force(const ConfigurationPtr& configuration) {
  kept_.hold_copy("sources", configuration->packed.get());
  log::set_level(configuration->config.log_level);
  listen_status();
  drop_unknown_overrides(configuration->config);
  look_at_quorums();
  open_fifo(configuration->config.notify);
  for (const auto& change : std::exchange(early_changes_, {})) tell(change);
  if (!reloading_)
    log::notice("config", "{} in force, node \"{}\"", configuration->fingerprint, configuration->config.node);
}

void Supervisor::listen_status() {
  const auto& wanted = configurations_.in_force()->config.status_listen;
  if (wanted == status_listen_ && status_listen_problem_.empty()) return;
  status_listen_ = wanted;
  const auto listening = server_.listen_tcp(wanted);
  status_listen_problem_ = listening ? "" : "status page: " + listening.error().text;
  if (!listening) log::error("status", "{}", listening.error().text);
}

// --- stop ------------------------------------------------------------------------------------------------------------

// The addresses leave first, while forwarding still works for the packets on their way.
void Supervisor::stop(const std::string& reason) {
  if (stopping_ != Stopping::No) return;
  stopping_ = Stopping::Vrrp;
  log::notice("", "stopping: {}", reason);
  manager_.stopping();
  if (reloading_) finish_reload(false, "lvsd is stopping");
  for (const Room room : kRooms) process(room).expect_exit();
  if (!process(Room::Vrrp).running() || !process(Room::Vrrp).send(vrrp::encode(vrrp::Down{base::Stop{reason}}))) {
    return stop_others();
  }
  base::Duration patience = kVrrpStop;
  if (const auto in_force = configurations_.in_force()) {
    for (const auto& instance : in_force->config.vrrp.instances)
      patience = std::max(patience, kVrrpStop + vrrp::handover_limit(instance.advert_interval));
  }
  stop_timer_.after(patience, [this, patience] {
    process(Room::Vrrp).kill("did not stop within " + base::format_duration(patience));
  });
}

// Clients that have not heard yet where the addresses are now still send here for a moment: the engine forwards it.
void Supervisor::addresses_left() {
  const auto in_force = configurations_.in_force();
  if (!in_force || in_force->config.vrrp.instances.empty()) return stop_others();
  stop_timer_.after(kForwardAfterwards, [this] { stop_others(); });
}

void Supervisor::stop_others() {
  stopping_ = Stopping::Others;
  static_cast<void>(process(Room::Ipvs).send(ipvs::encode(ipvs::Down{base::Stop{"lvsd stops"}})));
  static_cast<void>(process(Room::Healthcheck).send(healthcheck::encode(healthcheck::Down{base::Stop{"lvsd stops"}})));
  stop_timer_.after(kOthersStop, [this] {
    for (const Room room : kRooms) process(room).kill("did not stop within " + base::format_duration(kOthersStop));
  });
  stopped_when_all_gone();
}

void Supervisor::stopped_when_all_gone() {
  for (const Room room : kRooms) {
    if (process(room).running()) return;
  }
  stop_timer_.cancel();
  tick_timer_.cancel();
  scripts_.stop();
  kept_.forget_all();
  manager_.flush();
  server_.close();
  log::notice("", "stopped");
  on_stopped_(exit_code_);
}

// --- status ----------------------------------------------------------------------------------------------------------

void Supervisor::refresh_status() {
  if (!manager_.present() || stopping_ != Stopping::No) return;
  const auto now = Clock::now();
  if (now - last_status_ < (status_changed_ ? kStatusSoon : kStatusAnyway)) return;
  last_status_ = now;
  status_changed_ = false;
  questions_.ask_all(false, [this](const Snapshot& snapshot) {
    if (stopping_ == Stopping::No) manager_.status(status_line(overview(situation(), snapshot)));
  });
}

Situation Supervisor::situation() const {
  Situation s;
  s.version = kVersion;
  s.pid = getpid();
  s.started_unix_ms = started_unix_ms_;
  s.config = configurations_.status();
  s.config.path = configurations_.path();
  if (const auto in_force = configurations_.in_force()) {
    s.node = in_force->config.node.empty() ? in_force->sources.node : in_force->config.node;
    s.backend = in_force->config.ipvs.backend == ipvs::Backend::Engine ? "engine" : "kernel";
  }
  for (const Room room : kRooms) {
    s.rooms.push_back(processes_[room]->status());
    if (!steering_.refusal(room).empty())
      s.refusals.push_back(fmt::format("{}: {}", room_name(room), steering_.refusal(room)));
  }
  if (const auto scripts = scripts_.status()) s.rooms.push_back(*scripts);
  if (!status_listen_problem_.empty()) s.problems.push_back(status_listen_problem_);
  if (!overrides_problem_.empty()) s.problems.push_back(overrides_problem_);
  if (!event_fifo_problem_.empty()) s.problems.push_back(event_fifo_problem_);
  s.events_dropped = event_fifo_.dropped() + notices_dropped_;
  s.log_lines_dropped = log::dropped();
  s.overrides = overrides_;
  s.transitions = standings_.transitions();
  return s;
}

bool Supervisor::works() const {
  for (const Room room : kRooms) {
    if (!steering_.works(room) || !processes_[room]->beats()) return false;
  }
  return true;
}

Control Supervisor::control() {
  return {
      [this] { return situation(); },
      [this](Question question, Questions::Then then) { questions_.ask(std::move(question), std::move(then)); },
      [this](bool with_drops, std::function<void(Snapshot)> then) { questions_.ask_all(with_drops, std::move(then)); },
      [this]() -> const Sources* {
        const auto in_force = configurations_.in_force();
        return in_force ? &in_force->sources : nullptr;
      },
      [this](const std::string& peer, std::function<void(ReloadResult)> done) { reload(peer, std::move(done)); },
      [this] { return works(); },
      [this] { return overrides_; },
      [this](const OverrideRequest& request, const HttpRequest& from, const Control::Overridden& done) {
        override_servers(request, from, done);
      },
      [this](std::uint64_t after, std::size_t limit) {
        auto list = events_.after(after, limit);
        list.started_unix_ms = started_unix_ms_;
        return list;
      },
      [this](const FailoverRequest& request, const HttpRequest& from, const Control::FailedOver& done) {
        fail_over(request, from, done);
      },
      [this](const MaintenanceRequest& request, const HttpRequest& from, const Control::Maintained& done) {
        maintain(request, from, done);
      }};
}

}  // namespace lvsd::daemon

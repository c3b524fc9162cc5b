#include "daemon/room_process.hpp"

#include <optional>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/channel.hpp"
#include "base/log.hpp"
#include "daemon/back_off.hpp"
#include "daemon/configurations.hpp"
#include "daemon/spawn.hpp"
#include "daemon/timer.hpp"

namespace lvsd::daemon {
namespace log = base::log;
using base::Clock;
using base::TimePoint;

namespace {

std::string describe_exit(const siginfo_t& info) {
  if (info.si_code == CLD_EXITED) return fmt::format("exited with status {}", info.si_status);
  return fmt::format("killed by signal {}{}", info.si_status, info.si_code == CLD_DUMPED ? " (core dumped)" : "");
}

}  // namespace

struct RoomProcess::Impl : std::enable_shared_from_this<RoomProcess::Impl> {
  Impl(boost::asio::io_context& io, Room which, Events e)
      : loop{io}, room{which}, events{std::move(e)}, restart_timer{io} {}

  std::string subject() const { return fmt::format("room {}", room_name(room)); }

  void start() {
    auto launched = launch();
    started_at = last_beat = Clock::now();
    heard_once = false;
    since_unix_ms = unix_ms_now();
    if (!launched) {
      log::error(subject(), "cannot be started: {}", launched.error().text);
      last_exit = "could not be started: " + launched.error().text;
      last_exit_at = Clock::now();
      return restart_later();
    }
    log::info(subject(), "started, pid {}", pid);
    events.started();
  }

  base::Result<void> launch() {
    auto pair = base::Channel::make_pair();
    if (!pair) return tl::unexpected{pair.error()};
    auto child = spawn_room(room, pair->second.get());
    if (!child) return tl::unexpected{child.error()};
    pid = child->pid;
    pidfd.emplace(loop, child->pidfd.release());
    pidfd->async_wait(pidfd->wait_read,
                      [self = shared_from_this(), born = ++births](const boost::system::error_code& error) {
                        if (!error && born == self->births) self->exited();
                      });
    channel.emplace(loop, std::move(pair->first));
    channel->start(
        [this](std::string_view text, std::vector<base::UniqueFd> fds) { events.message(text, std::move(fds)); },
        [this](const std::string& reason) { channel_closed(reason); });
    return {};
  }

  // Its exit is usually about to follow; a room that lives on without a channel is of no use.
  void channel_closed(const std::string& reason) {
    log::debug(subject(), "channel: {}", reason);
    if (pid > 0 && !exit_expected) ::kill(pid, SIGKILL);
  }

  void exited() {
    siginfo_t info{};
    waitid(P_PIDFD, static_cast<id_t>(pidfd->native_handle()), &info, WEXITED | WNOHANG);
    last_exit = describe_exit(info) + (kill_reason.empty() ? "" : fmt::format(" ({})", kill_reason));
    last_exit_at = Clock::now();
    since_unix_ms = unix_ms_now();
    kill_reason.clear();
    channel.reset();
    pidfd.reset();
    pid = -1;
    beats_expected = false;
    if (exit_expected) {
      log::info(subject(), "stopped ({})", last_exit);
    } else {
      log::error(subject(), "{} after {}", last_exit, base::format_age(last_exit_at - started_at));
      restart_later();
    }
    events.gone();
  }

  void restart_later() {
    if (exit_expected) return;
    const auto wait = back_off.after_death(Clock::now() - started_at);
    ++restarts;
    if (wait > base::Duration::zero()) {
      log::warning(subject(), "restart in {} ({} deaths in a row)", base::format_duration(wait), back_off.deaths());
    }
    restart_timer.after(wait, [this] { start(); });
  }

  base::Duration silence() const { return Clock::now() - last_beat; }

  std::string state() const {
    if (pid < 0) return "restarting";
    return heard_once ? "running" : "starting";
  }

  boost::asio::io_context& loop;
  Room room;
  Events events;
  Timer restart_timer;
  BackOff back_off;
  std::optional<boost::asio::posix::stream_descriptor> pidfd;
  std::optional<base::Channel> channel;
  pid_t pid = -1;
  std::uint64_t births = 0;
  std::uint64_t restarts = 0;
  TimePoint started_at{};
  TimePoint last_beat{};
  TimePoint last_exit_at{};
  std::int64_t since_unix_ms = 0;
  std::string last_exit;
  std::string kill_reason;
  bool heard_once = false;  // this incarnation has beaten
  bool beats_expected = false;
  bool exit_expected = false;
};

RoomProcess::RoomProcess(boost::asio::io_context& loop, Room room, Events events)
    : impl_{std::make_shared<Impl>(loop, room, std::move(events))} {}

RoomProcess::~RoomProcess() {
  impl_->exit_expected = true;
  impl_->restart_timer.cancel();
  ++impl_->births;
  if (impl_->pid > 0) {
    ::kill(impl_->pid, SIGKILL);
    waitpid(impl_->pid, nullptr, 0);
  }
  impl_->channel.reset();
  impl_->pidfd.reset();
}

void RoomProcess::start() { impl_->start(); }

base::Result<void> RoomProcess::send(std::string_view text, std::span<const int> fds) {
  if (!impl_->channel) return base::fail("the room is not running");
  return impl_->channel->send(text, fds);
}

void RoomProcess::expect_beats() {
  if (std::exchange(impl_->beats_expected, true)) return;
  impl_->last_beat = Clock::now();
}

void RoomProcess::beat() {
  impl_->heard_once = true;
  impl_->last_beat = Clock::now();
}

void RoomProcess::forgive_beat() { impl_->last_beat = Clock::now(); }

void RoomProcess::check_beat() {
  if (impl_->pid < 0 || !impl_->beats_expected || !impl_->kill_reason.empty()) return;
  if (impl_->silence() < silence_limit(impl_->room)) return;
  kill(fmt::format("silent for {}", base::format_age(impl_->silence())));
}

void RoomProcess::expect_exit() {
  impl_->exit_expected = true;
  impl_->restart_timer.cancel();
}

void RoomProcess::kill(std::string_view why) {
  if (impl_->pid < 0) return;
  log::error(impl_->subject(), "killed: {}", why);
  impl_->kill_reason = why;
  ::kill(impl_->pid, SIGKILL);
}

bool RoomProcess::running() const { return impl_->pid > 0; }

bool RoomProcess::beats() const {
  return running() && (!impl_->beats_expected || impl_->silence() < silence_limit(impl_->room));
}

RoomStatus RoomProcess::status() const {
  RoomStatus status;
  status.name = room_name(impl_->room);
  status.state = impl_->state();
  status.pid = impl_->pid > 0 ? impl_->pid : 0;
  status.restarts = impl_->restarts;
  status.since_unix_ms = impl_->since_unix_ms;
  status.last_beat_age_ms = impl_->heard_once ? base::milliseconds(impl_->silence()) : -1;
  if (!impl_->last_exit.empty()) {
    status.last_exit =
        fmt::format("{}, {} ago", impl_->last_exit, base::format_age(Clock::now() - impl_->last_exit_at));
  }
  return status;
}

}  // namespace lvsd::daemon

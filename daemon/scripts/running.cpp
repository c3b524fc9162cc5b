#include "daemon/scripts/running.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <fmt/format.h>
#include <sys/wait.h>

#include "daemon/timer.hpp"

namespace lvsd::daemon::scripts {
namespace {

constexpr int kReadsAtOnce = 16;  // of 4 KiB, then the loop serves others first

// A message is text: what is no ASCII might not be UTF-8.
void append_text(std::string& text, std::string_view bytes) {
  const auto room = base::ScriptEnded::kOutputLimit - std::min(text.size(), base::ScriptEnded::kOutputLimit);
  for (const char c : bytes.substr(0, room)) {
    const bool shown = (c >= ' ' && c <= '~') || c == '\n' || c == '\t' || c == '\r';
    text += shown ? c : '?';
  }
}

}  // namespace

struct Running::Impl : std::enable_shared_from_this<Running::Impl> {
  Impl(boost::asio::io_context& loop, std::uint64_t id, Launched launched, Events e)
      : events{std::move(e)},
        pid{launched.pid},
        pidfd{loop, launched.pidfd.release()},
        output{loop, launched.output.release()},
        failure{std::move(launched.failure)},
        timer{loop} {
    result.id = id;
  }

  void wait_for_end() {
    pidfd.async_wait(pidfd.wait_read, [weak = weak_from_this()](const boost::system::error_code& error) {
      const auto self = weak.lock();
      if (self && !error) self->ended();
    });
  }

  void wait_for_output() {
    output.async_wait(output.wait_read, [weak = weak_from_this()](const boost::system::error_code& error) {
      const auto self = weak.lock();
      if (self && !error && self->read_output()) self->wait_for_output();
    });
  }

  // Everything is read, or a talkative program would hang; little is kept. False: the pipe has no writer any more.
  bool read_output() {
    std::array<char, 4096> buffer;
    for (int i = 0; i < kReadsAtOnce; ++i) {
      const ssize_t size = ::read(output.native_handle(), buffer.data(), buffer.size());
      if (size < 0) return errno == EAGAIN || errno == EINTR;
      if (size == 0) return false;
      append_text(result.output, {buffer.data(), static_cast<std::size_t>(size)});
    }
    return true;
  }

  // The group is killed before its leader is reaped: until then the number cannot be another's.
  void ended() {
    signal_all(SIGKILL);
    siginfo_t info{};
    waitid(P_PIDFD, static_cast<id_t>(pidfd.native_handle()), &info, WEXITED);
    pid = -1;
    timer.cancel();
    read_output();
    int why = 0;
    if (::read(failure.get(), &why, sizeof why) == sizeof why) {
      result.outcome = base::ScriptOutcome::refused;
      result.error = fmt::format("cannot be executed: {}", std::strerror(why));
    } else {
      result.outcome = info.si_code == CLD_EXITED ? base::ScriptOutcome::exited : base::ScriptOutcome::signalled;
      result.status = info.si_status;
    }
    tell();
    if (const auto gone = std::exchange(events.on_gone, {})) gone();
  }

  void tell() {
    result.took_us = std::chrono::duration_cast<std::chrono::microseconds>(base::Clock::now() - started).count();
    if (const auto on_result = std::exchange(events.on_result, {})) on_result(result);
  }

  void time_is_up() {
    read_output();
    result.outcome = base::ScriptOutcome::timed_out;
    tell();
    finish_it();
  }

  void finish_it() {
    signal_all(SIGTERM);
    timer.after(kGrace, [this] { signal_all(SIGKILL); });
  }

  // The program's group, or itself where it was forked so lately that it has none yet.
  void signal_all(int number) const {
    if (::kill(-pid, number) != 0) ::kill(pid, number);
  }

  Events events;
  pid_t pid;
  boost::asio::posix::stream_descriptor pidfd;
  boost::asio::posix::stream_descriptor output;
  base::UniqueFd failure;
  Timer timer;
  base::ScriptEnded result;
  base::TimePoint started = base::Clock::now();
};

Running::Running(boost::asio::io_context& loop, std::uint64_t id, Launched launched, base::Duration timeout,
                 Events events)
    : impl_{std::make_shared<Impl>(loop, id, std::move(launched), std::move(events))} {
  impl_->wait_for_end();
  impl_->wait_for_output();
  impl_->timer.after(timeout, [impl = impl_.get()] { impl->time_is_up(); });
}

Running::~Running() {
  impl_->events = {};
  if (impl_->pid < 0) return;
  impl_->signal_all(SIGKILL);
  waitpid(impl_->pid, nullptr, 0);
}

void Running::cancel() {
  if (impl_->pid < 0 || !impl_->events.on_result) return;
  impl_->time_is_up();
}

pid_t Running::pid() const { return impl_->pid; }

}  // namespace lvsd::daemon::scripts

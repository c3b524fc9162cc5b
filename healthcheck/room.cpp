#include "healthcheck/room.hpp"

#include <algorithm>
#include <csignal>
#include <exception>
#include <optional>
#include <span>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <sys/resource.h>

#include "base/link.hpp"
#include "base/log.hpp"
#include "base/script_client.hpp"
#include "base/system_calls.hpp"
#include "healthcheck/marker.hpp"
#include "healthcheck/messages.hpp"
#include "healthcheck/monitor.hpp"
#include "healthcheck/validate.hpp"

namespace lvsd::healthcheck {
namespace {

using namespace std::chrono_literals;
namespace log = base::log;

constexpr base::Duration kBeatEvery = 500ms;
constexpr base::Duration kLocalTroubleEvery = 10s;  // at most one line about it in this time
constexpr std::size_t kReservedFds = 64;            // for everything but checks

// As many descriptors as the hard limit allows. Returns how many there are.
std::size_t raise_fd_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

std::size_t places_for_checks() {
  const std::size_t fds = raise_fd_limit();
  const std::size_t free = fds > kReservedFds ? fds - kReservedFds : 1;
  return std::min(free, Monitor::kConcurrent);
}

class Room {
 public:
  Room(base::UniqueFd channel, Parse parse)
      : parse_{std::move(parse)},
        scripts_{{[this](const RunScript& run) { send(run); }, [this](const CancelScript& cancel) { send(cancel); }}},
        marker_{[this](std::uint64_t id, std::uint32_t mark, int socket) {
          const int fds[] = {socket};
          send(MarkSocket{id, mark}, fds);
        }},
        checkers_{make_checkers(loop_, scripts_, marker_)},
        monitor_{loop_, *checkers_, [this](const HealthChanged& change) { tell(change); },
                 [this](const std::string& id, const std::string& text) { note_local_trouble(id, text); },
                 places_for_checks()},
        beat_timer_{loop_},
        link_{loop_, std::move(channel), &decode_down, &encode} {}

  int run() {
    link_.start([this](Down message, std::vector<base::UniqueFd> fds) { obey(std::move(message), fds); },
                [this](const std::string& reason) { end(1, "the supervisor's channel ended: " + reason); });
    beat();
    loop_.run();
    return exit_code_;
  }

 private:
  void obey(Down message, const std::vector<base::UniqueFd>& fds) {
    if (const auto* configure = std::get_if<Configure>(&message)) return apply(*configure, fds);
    if (const auto* known = std::get_if<Known>(&message)) return learn(*known);
    if (const auto* query = std::get_if<StatusQuery>(&message)) return send(Status{query->id, monitor_.status()});
    if (const auto* ended = std::get_if<ScriptEnded>(&message)) return scripts_.answered(*ended);
    if (const auto* marked = std::get_if<Marked>(&message)) return marker_.answered(marked->id, marked->error);
    if (const auto* seen = std::get_if<Reported>(&message)) return monitor_.report(seen->targets, seen->text);
    if (const auto* now = std::get_if<CheckNow>(&message)) return check_now(*now);
    if (const auto* stop = std::get_if<Stop>(&message)) return end(0, "stopping: " + stop->reason);
  }

  void check_now(const CheckNow& now) {
    monitor_.check_now(now.targets, [this, now] {
      CheckedNow checked{now.id, {}};
      for (auto& status : monitor_.status()) {
        if (std::find(now.targets.begin(), now.targets.end(), status.id) != now.targets.end())
          checked.targets.push_back(std::move(status));
      }
      send(checked);
    });
  }

  void learn(const Known& known) {
    for (const auto& target : known.targets) known_[target.id] = {target.verdict, target.share};
  }

  void apply(const Configure& configure, const std::vector<base::UniqueFd>& fds) {
    const auto config = read(fds);
    if (!config) return send(Configured{configure.generation, config.error().text});
    monitor_.configure(*config, known_);
    known_.clear();
    log::info("configuration", "generation {} in force, {} targets", configure.generation, config->targets.size());
    send(Configured{configure.generation, ""});
  }

  base::Result<Config> read(const std::vector<base::UniqueFd>& fds) const {
    if (fds.size() != 1) return base::fail("Configure came without the configuration");
    auto config = parse_(fds.front().get());
    if (!config) return config;
    if (const auto valid = validate(*config); !valid) return tl::unexpected{valid.error()};
    return config;
  }

  void tell(const HealthChanged& change) {
    const auto level = change.verdict == Verdict::down ? log::Level::Warning : log::Level::Notice;
    const std::string_view word = change.verdict == Verdict::up     ? "up"
                                  : change.verdict == Verdict::down ? "down"
                                                                    : "unknown";
    log::write(level, "check " + change.target, fmt::format("{}: {}", word, change.reason));
    send(change);
  }

  void note_local_trouble(const std::string& id, const std::string& text) {
    ++local_troubles_;
    const auto now = base::Clock::now();
    if (local_trouble_told_ && now - *local_trouble_told_ < kLocalTroubleEvery) return;
    local_trouble_told_ = now;
    log::warning("check " + id, "{}; verdict unchanged ({} such results since the start)", text, local_troubles_);
  }

  // Silence while the work stands still: the watchdog then acts.
  void beat() {
    if (monitor_.makes_progress(base::Clock::now())) send(Beat{++beats_});
    beat_timer_.expires_after(kBeatEvery);
    beat_timer_.async_wait([this](const boost::system::error_code& error) {
      if (!error) beat();
    });
  }

  // At the end, scripts that still run are cancelled when there is nobody to tell any more.
  void send(const Up& message, std::span<const int> fds = {}) {
    if (loop_.stopped()) return;
    if (const auto sent = link_.send(message, fds); !sent) end(1, "cannot tell the supervisor: " + sent.error().text);
  }

  void end(int code, const std::string& why) {
    if (loop_.stopped()) return;
    log::write(code == 0 ? log::Level::Info : log::Level::Error, "healthcheck", why);
    exit_code_ = code;
    loop_.stop();
  }

  boost::asio::io_context loop_{1};
  Parse parse_;
  base::ScriptClient scripts_;
  Marker marker_;
  std::unique_ptr<Checkers> checkers_;
  Monitor monitor_;
  Monitor::Known known_;
  boost::asio::steady_timer beat_timer_;
  base::Link<Down, Up> link_;
  std::uint64_t beats_ = 0;
  std::uint64_t local_troubles_ = 0;
  std::optional<base::TimePoint> local_trouble_told_;
  int exit_code_ = 1;
};

}  // namespace

namespace {

// What an event loop, curl, OpenSSL, RE2, the log and the channel make, found by running every type of check with
// LVSD_SECCOMP=kill. No program can be started, no file written, no other kind of socket made, no process looked at.
constexpr std::string_view kSystemCalls[] = {"accept4",
                                             "access",
                                             "bind",
                                             "brk",
                                             "clock_gettime",
                                             "clock_nanosleep",
                                             "close",
                                             "connect",
                                             "dup",
                                             "epoll_create1",
                                             "epoll_ctl",
                                             "epoll_pwait",
                                             "epoll_wait",
                                             "eventfd2",
                                             "exit",
                                             "exit_group",
                                             "fcntl",
                                             "fstat",
                                             "ftruncate",
                                             "futex",
                                             "getegid",
                                             "geteuid",
                                             "getgid",
                                             "getpeername",
                                             "getpid",
                                             "getppid",
                                             "getrandom",
                                             "getsockname",
                                             "getsockopt",
                                             "gettid",
                                             "getuid",
                                             "ioctl",
                                             "lseek",
                                             "madvise",
                                             "memfd_create",
                                             "mmap",
                                             "mprotect",
                                             "mremap",
                                             "munmap",
                                             "nanosleep",
                                             "newfstatat",
                                             "poll",
                                             "ppoll",
                                             "pread64",
                                             "prlimit64",
                                             "read",
                                             "readlink",
                                             "readv",
                                             "recvfrom",
                                             "recvmsg",
                                             "restart_syscall",
                                             "rseq",
                                             "rt_sigaction",
                                             "rt_sigprocmask",
                                             "rt_sigreturn",
                                             "sched_yield",
                                             "sendmsg",
                                             "sendto",
                                             "set_robust_list",
                                             "setsockopt",
                                             "shutdown",
                                             "sigaltstack",
                                             "socketpair",
                                             "sysinfo",
                                             "tgkill",
                                             "timerfd_create",
                                             "timerfd_settime",
                                             "uname",
                                             "write",
                                             "writev"};

}  // namespace

base::Privileges privileges() { return {.capabilities = {}, .user = "lvsd-check"}; }

int run(base::UniqueFd channel, Parse parse) {
  std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes to sockets a server may have closed
  if (const auto limited = base::allow_only({kSystemCalls, true, true}); !limited) {
    log::error("healthcheck", "{}", limited.error().text);
    return 1;
  }
  try {
    return Room{std::move(channel), std::move(parse)}.run();
  } catch (const std::exception& failure) {
    log::error("healthcheck", "{}", failure.what());
    return 1;
  }
}

}  // namespace lvsd::healthcheck

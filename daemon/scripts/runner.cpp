#include "daemon/scripts/runner.hpp"

#include <csignal>
#include <deque>
#include <fstream>
#include <map>
#include <set>

#include <boost/asio/io_context.hpp>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/link.hpp"
#include "base/log.hpp"
#include "base/time.hpp"
#include "daemon/scripts/messages.hpp"
#include "daemon/scripts/running.hpp"
#include "daemon/scripts/trusted_path.hpp"
#include "daemon/timer.hpp"

namespace lvsd::daemon::scripts {
namespace {

namespace log = base::log;
using base::Clock;

constexpr base::Duration kBeatEvery{std::chrono::milliseconds{500}};
constexpr base::Duration kIdentityHolds{std::chrono::minutes{1}};  // a changed user is seen after this

class Runner {
 public:
  explicit Runner(base::UniqueFd channel)
      : link_{loop_, std::move(channel), &decode_down, &encode}, beat_timer_{loop_} {}

  int run() {
    // What a script leaves behind becomes our child and does not stay.
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    link_.start([this](Down message, const std::vector<base::UniqueFd>&) { obey(std::move(message)); },
                [this](const std::string& reason) { end(1, "the control process' channel ended: " + reason); });
    beat();
    loop_.run();
    running_.clear();
    end_orphans();
    return exit_code_;
  }

 private:
  struct Waiting {
    Launch launch;
    base::TimePoint until;  // then it is no use any more
  };

  void obey(Down message) {
    if (auto* wanted = std::get_if<Launch>(&message)) return accept(std::move(*wanted));
    if (const auto* cancelled = std::get_if<base::CancelScript>(&message)) return cancel(cancelled->id);
    if (const auto* stop = std::get_if<base::Stop>(&message)) return end(0, "stopping: " + stop->reason);
  }

  void accept(Launch wanted) {
    if (waiting_.size() == kWaiting) return answer(wanted.id, base::ScriptOutcome::busy, "too many programs wait");
    const auto until = Clock::now() + std::chrono::milliseconds{wanted.timeout_ms};
    waiting_.push_back({std::move(wanted), until});
    start_waiting();
  }

  void start_waiting() {
    const auto now = Clock::now();
    for (auto it = waiting_.begin(); it != waiting_.end();) {
      if (it->until < now) {
        answer(it->launch.id, base::ScriptOutcome::busy, "no place for it within its timeout");
        it = waiting_.erase(it);
      } else if (running_.size() < kAtOnce && !names_.contains(it->launch.name)) {
        const Launch wanted = std::move(it->launch);
        it = waiting_.erase(it);
        start(wanted);
      } else {
        ++it;
      }
    }
  }

  void start(const Launch& wanted) {
    auto launched = try_launch(wanted);
    if (!launched) return answer(wanted.id, base::ScriptOutcome::refused, launched.error().text);
    names_.insert(wanted.name);
    const auto id = wanted.id;
    Running::Events events{[this](const base::ScriptEnded& result) { send(result); },
                           [this, id, name = wanted.name] { gone(id, name); }};
    running_.emplace(id, std::make_unique<Running>(loop_, id, std::move(*launched),
                                                   std::chrono::milliseconds{wanted.timeout_ms}, std::move(events)));
  }

  base::Result<Launched> try_launch(const Launch& wanted) {
    if (wanted.arguments.empty()) return base::fail("nothing to run");
    auto path = trusted_program(wanted.arguments.front());
    if (!path) return tl::unexpected{path.error()};
    auto who = who_is(wanted.user);
    if (!who) return tl::unexpected{who.error()};
    return launch({std::move(*path), wanted.arguments, wanted.environment, std::move(*who)});
  }

  base::Result<Identity> who_is(const std::string& user) {
    const auto now = Clock::now();
    if (const auto known = identities_.find(user); known != identities_.end() && now < known->second.until)
      return known->second.identity;
    auto found = identity_of(user);
    if (found) identities_[user] = {*found, now + kIdentityHolds};
    return found;
  }

  void gone(std::uint64_t id, const std::string& name) {
    names_.erase(name);
    running_.erase(id);
    end_orphans();
    start_waiting();
  }

  void cancel(std::uint64_t id) {
    if (const auto found = running_.find(id); found != running_.end()) return found->second->cancel();
    for (auto it = waiting_.begin(); it != waiting_.end(); ++it) {
      if (it->launch.id != id) continue;
      answer(id, base::ScriptOutcome::busy, "cancelled");
      waiting_.erase(it);
      return;
    }
  }

  // Processes that left their group and outlived their program (daemons of a kind). The kernel gives them to us.
  void end_orphans() {
    std::set<pid_t> ours;
    for (const auto& [id, program] : running_) ours.insert(program->pid());
    std::ifstream children{fmt::format("/proc/self/task/{}/children", getpid())};
    for (pid_t pid = 0; children >> pid;) {
      if (ours.contains(pid) || ours.contains(getpgid(pid))) continue;
      ::kill(pid, SIGKILL);
      waitpid(pid, nullptr, WNOHANG);  // else with the next look
    }
  }

  void answer(std::uint64_t id, base::ScriptOutcome outcome, std::string why) {
    send(base::ScriptEnded{id, outcome, 0, "", std::move(why), 0});
  }

  void beat() {
    send(base::Beat{++beats_});
    start_waiting();
    end_orphans();
    beat_timer_.after(kBeatEvery, [this] { beat(); });
  }

  void send(const Up& message) {
    if (const auto sent = link_.send(message); !sent) end(1, "cannot tell the control process: " + sent.error().text);
  }

  void end(int code, const std::string& why) {
    if (loop_.stopped()) return;
    log::write(code == 0 ? log::Level::Info : log::Level::Error, "scripts", why);
    exit_code_ = code;
    loop_.stop();
  }

  struct Known {
    Identity identity;
    base::TimePoint until;
  };

  boost::asio::io_context loop_{1};
  base::Link<Down, Up> link_;
  Timer beat_timer_;
  std::deque<Waiting> waiting_;
  std::map<std::uint64_t, std::unique_ptr<Running>> running_;
  std::set<std::string> names_;  // of those
  std::map<std::string, Known> identities_;
  std::uint64_t beats_ = 0;
  int exit_code_ = 1;
};

}  // namespace

base::Privileges privileges() {
  if (geteuid() != 0) return {};
  return {.capabilities = {"setuid", "setgid", "setpcap", "kill"}, .user = ""};
}

int run(base::UniqueFd channel) { return Runner{std::move(channel)}.run(); }

}  // namespace lvsd::daemon::scripts

// Supervisor's memory of what happened: every change of servers, services, roles, rooms, overrides and configuration
// becomes one event, with the reason that is known at that moment.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/log.hpp"
#include "daemon/supervisor.hpp"

namespace lvsd::daemon {
namespace log = base::log;

namespace {

std::string how_it_ended(const base::ScriptEnded& ended) {
  switch (ended.outcome) {
    case base::ScriptOutcome::exited:
      return fmt::format("ended with {}", ended.status);
    case base::ScriptOutcome::signalled:
      return fmt::format("was killed by signal {}", ended.status);
    case base::ScriptOutcome::timed_out:
      return "did not end in time and was killed";
    case base::ScriptOutcome::refused:
    case base::ScriptOutcome::busy:
    case base::ScriptOutcome::lost:
      return "was not run: " + ended.error;
  }
  return "";
}

}  // namespace

void Supervisor::note(std::string kind, std::string subject, std::string before, std::string state, std::string text) {
  events_.add(
      {0, unix_ms_now(), std::move(kind), std::move(subject), std::move(before), std::move(state), std::move(text)});
}

// What its checks found last, in the words of those that speak for this state; overrides speak first.
std::string Supervisor::why(const ServerChange& change) const {
  const auto subject = change.now.service + "/" + change.now.server;
  const bool out = change.now.state == ipvs::ServerState::drain || change.now.state == ipvs::ServerState::disabled;
  for (const auto& o : overrides_.overrides) {
    if (out && o.server == subject && o.kind != "weight")
      return fmt::format("{} by {}{}{}", words(o), o.by, o.reason.empty() ? "" : ": ", o.reason);
  }
  const auto configuration = configurations_.in_force();
  if (!configuration) return "";
  std::string text = change.now.kept ? "kept in use, as all of the service fail: " : "";
  bool any = false;
  for (const auto& service : configuration->config.ipvs.virtual_servers) {
    if (service.name != change.now.service) continue;
    for (const auto& server : service.servers) {
      if (server.name != change.now.server) continue;
      for (const auto& id : server.checks) {
        const auto* finding = steering_.finding(id);
        const bool down = finding && finding->verdict == healthcheck::Verdict::down;
        if (!finding || finding->reason.empty() || down != (change.now.state == ipvs::ServerState::down)) continue;
        text += fmt::format("{}{}", std::exchange(any, true) ? "; " : "", finding->reason);
      }
    }
  }
  return text;
}

// Of one server or service in order; keepalived's words.
void Supervisor::tell_program(const std::string& kind, const std::string& subject, bool up, const std::string& reason) {
  const auto* program = configurations_.script("notify " + subject);
  if (!program) return;
  auto command = *program;
  const std::string state = up ? "UP" : "DOWN";
  command.arguments.insert(command.arguments.end(), {kind, subject, state});
  run_program(subject, command,
              {"LVSD_KIND=" + kind, "LVSD_NAME=" + subject, "LVSD_STATE=" + state, "LVSD_REASON=" + reason});
}

// One after the other for each subject, in order (scripts/ sees to it).
void Supervisor::run_program(const std::string& subject, const base::ScriptCommand& command,
                             std::vector<std::string> environment) {
  constexpr unsigned kMostWaiting = 16;
  const auto text = fmt::format("{}", fmt::join(command.arguments, " "));
  if (programs_waiting_[subject] >= kMostWaiting) {
    ++notices_dropped_;
    return log::warning(subject, "{} is not run: {} notify programs wait already", text, kMostWaiting);
  }
  ++programs_waiting_[subject];
  scripts_.run(
      "notify " + subject, command, std::move(environment), [this, subject, text](const base::ScriptEnded& ended) {
        --programs_waiting_[subject];
        const bool well = ended.outcome == base::ScriptOutcome::exited && ended.status == 0;
        if (well) return log::debug(subject, "{} is done", text);
        log::warning(subject, "{} {}{}", text, how_it_ended(ended), ended.output.empty() ? "" : ": " + ended.output);
      });
}

// Passive checks: what the engine has seen reaches the verdict through the checks of the same servers.
void Supervisor::handle(Room, ipvs::Unanswered& found, Fds) {
  const auto configuration = configurations_.in_force();
  if (!configuration) return;
  for (const auto& seen : found.servers) {
    healthcheck::Reported report;
    report.text =
        fmt::format("{} connection{} in a second got no reply", seen.connections, seen.connections == 1 ? "" : "s");
    for (const auto& service : configuration->config.ipvs.virtual_servers) {
      if (service.name != seen.service) continue;
      for (const auto& server : service.servers) {
        if (server.name == seen.server) report.targets = server.checks;
      }
    }
    static_cast<void>(process(Room::Healthcheck).send(healthcheck::encode(healthcheck::Down{std::move(report)})));
  }
}

void Supervisor::handle(Room, ipvs::StatesChanged& news, Fds) {
  status_changed_ = true;
  const auto changes = standings_.observe(news);
  look_at_quorums();
  for (const auto& change : changes.servers) {
    if (change.first && change.now.state == ipvs::ServerState::unknown) continue;
    const auto subject = change.now.service + "/" + change.now.server;
    const auto reason = why(change);
    note("server", subject, change.first ? "" : name(change.before), name(change.now.state), reason);
    const bool up = change.now.state == ipvs::ServerState::up;
    const bool began = up && change.before == ipvs::ServerState::unknown;  // the first result of a start
    if (!change.first && !began && change.before != change.now.state &&
        (up || change.now.state == ipvs::ServerState::down))
      tell_program("RS", subject, up, reason);
  }
  for (const auto& change : changes.services) {
    const bool quorum_changed = change.first || change.had_quorum != change.now.has_quorum;
    const auto quorum = change.now.has_quorum ? "quorum gained" : change.first ? "no quorum yet" : "quorum lost";
    note("service", change.now.name, change.first ? "" : name(change.before), name(change.now.state),
         quorum_changed ? quorum : "");
    if (!quorum_changed || change.first) continue;
    log::notice(change.now.name, "{}", quorum);
    tell_program("VS", change.now.name, change.now.has_quorum, quorum);
  }
}

}  // namespace lvsd::daemon

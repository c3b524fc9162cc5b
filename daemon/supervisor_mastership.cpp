// Supervisor's dealings with mastership: failover and maintenance by command, and who is told of role changes.
#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/log.hpp"
#include "daemon/maintenance.hpp"
#include "daemon/quorum_tracks.hpp"
#include "daemon/supervisor.hpp"
#include "daemon/user_name.hpp"

namespace lvsd::daemon {
namespace log = base::log;

namespace {

tl::unexpected<Objection> objection(int status, std::string code, std::string text, std::string hint = {}) {
  return tl::unexpected{Objection{status, std::move(code), std::move(text), std::move(hint)}};
}

tl::unexpected<Objection> unavailable(const std::string& why) {
  return objection(503, "room_unavailable", why, "lvsctl status shows which room does not run and why");
}

std::string command_of(std::string_view what, const std::string& by, const std::string& reason) {
  return fmt::format("{} by {}{}{}", what, by, reason.empty() ? "" : ": ", reason);
}

}  // namespace

void Supervisor::fail_over(const FailoverRequest& request, const HttpRequest& from, const Control::FailedOver& done) {
  if (const auto problem = reason_problem(request.reason); !problem.empty())
    return done(objection(400, "bad_request", problem));
  const auto configuration = configurations_.in_force();
  if (!configuration || stopping_ != Stopping::No)
    return done(objection(503, "no_configuration", "no configuration is in force", "try again"));
  for (const auto& name : request.instances) {
    const auto& instances = configuration->config.vrrp.instances;
    if (std::ranges::find(instances, name, &vrrp::InstanceConfig::name) == instances.end())
      return done(objection(404, "not_found", fmt::format("there is no VRRP instance \"{}\"", name), "lvsctl vrrp"));
  }
  const auto by = from.uid ? user_name(*from.uid) : "unknown";
  const auto text = command_of("failover", by, request.reason);
  log::notice("vrrp", "{} ({})", text, from.peer);
  questions_.ask(vrrp::Failover{0, request.instances, text}, [done](const base::Result<Answer>& answer) {
    if (!answer) return done(unavailable(answer.error().text));
    done(std::get<vrrp::FailoverDone>(*answer));
  });
}

// Nothing is given up before somebody else has it: first a failover, then the ban.
void Supervisor::maintain(const MaintenanceRequest& request, const HttpRequest& from, const Control::Maintained& done) {
  if (const auto sound = check(request); !sound) return done(tl::unexpected{sound.error()});
  if (stopping_ != Stopping::No) return done(objection(503, "stopping", "lvsd is stopping"));
  const auto by = from.uid ? user_name(*from.uid) : "unknown";
  if (!request.on) {
    log::notice("maintenance", "ended by {} ({})", by, from.peer);
    note("maintenance", "", "on", "off", "by " + by);
    put_maintenance({}, [done](const base::Result<void>& kept) {
      MaintenanceResult result;
      if (!kept) result.warnings.push_back("it may be back after a restart: " + kept.error().text);
      done(std::move(result));
    });
    return;
  }
  const auto text = command_of("maintenance", by, request.reason);
  questions_.ask(vrrp::Failover{0, {}, text}, [this, request, by, done](const base::Result<Answer>& answer) {
    if (!answer && !request.force) return done(unavailable(answer.error().text));
    MaintenanceResult result;
    if (answer) {
      const auto& outcome = std::get<vrrp::FailoverDone>(*answer);
      const auto alone = without_successor(outcome);
      if (!alone.empty() && !request.force) {
        return done(objection(
            409, "refused",
            fmt::format("refused: nobody else takes over {}; this director goes on as master", fmt::join(alone, ", ")),
            "--force gives the addresses up all the same"));
      }
      result.handed_over = handover_lines(outcome);
    }
    begin_maintenance(request, by, std::move(result), done);
  });
}

void Supervisor::begin_maintenance(const MaintenanceRequest& request, const std::string& by, MaintenanceResult result,
                                   const Control::Maintained& done) {
  result.maintenance = begun(request, by, unix_ms_now());
  log::notice("maintenance", "{}", words(result.maintenance));
  note("maintenance", "", "off", "on", words(result.maintenance));
  put_maintenance(result.maintenance, [result, done](const base::Result<void>& kept) mutable {
    if (!kept) result.warnings.push_back("in force, but it cannot be kept across a restart: " + kept.error().text);
    done(std::move(result));
  });
}

void Supervisor::put_maintenance(MaintenanceStatus maintenance, std::function<void(base::Result<void>)> kept) {
  auto list = overrides_;
  list.maintenance = std::move(maintenance);
  change_overrides(std::move(list), std::move(kept));
}

void Supervisor::look_at_quorums() {
  const auto configuration = configurations_.in_force();
  if (!configuration) return;
  carry_out(steering_.quorums_now(quorum_results(configuration->config.vrrp, standings_.services())));
}

// --- who is told -----------------------------------------------------------------------------------------------------

void Supervisor::open_fifo(const NotifyConfig& wanted) {
  const auto opened = event_fifo_.open(wanted.fifo);
  event_fifo_problem_ = opened ? "" : "notify_fifo: " + opened.error().text;
  if (!opened) log::error("notify", "{}", event_fifo_problem_);
}

void Supervisor::tell(const vrrp::RoleChanged& change) {
  const auto configuration = configurations_.in_force();
  if (!configuration) return early_changes_.push_back(change);
  for (const auto& notice : role_notices_.observe(change, configuration->config.vrrp)) tell(notice);
}

void Supervisor::tell(const Notice& notice) {
  event_fifo_.write(fifo_line(notice));
  const auto configuration = configurations_.in_force();
  const auto subject = fmt::format("{} {}", notice.kind, notice.name);
  for (const auto& key : {std::string{}, subject}) {
    const auto found = configuration->config.notify.programs.find(key);
    if (found == configuration->config.notify.programs.end()) continue;
    auto command = found->second;
    for (auto& argument : arguments(notice)) command.arguments.push_back(std::move(argument));
    run_program(subject, command, {});
  }
}

}  // namespace lvsd::daemon

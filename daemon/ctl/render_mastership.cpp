#include <fmt/format.h>

#include "daemon/ctl/render.hpp"
#include "daemon/ctl/words.hpp"

namespace lvsd::ctl {
namespace {

std::string outcome_text(const vrrp::FailoverDone::Outcome& outcome) {
  switch (outcome.outcome) {
    case vrrp::FailoverOutcome::not_master:
      return fmt::format("is not master here ({})", outcome.text);
    case vrrp::FailoverOutcome::handed_over:
      return fmt::format("handed over in {} ms: {}", outcome.took_ms, outcome.text);
    default:
      return outcome.text;
  }
}

std::string since_by_and_why(const daemon::MaintenanceStatus& m, const View& view) {
  auto text = fmt::format("since {} by {}", local_time(m.since_unix_ms, view), m.by);
  if (m.until_unix_ms != 0) text += ", until " + local_time(m.until_unix_ms, view);
  return m.reason.empty() ? text : fmt::format("{}: {}", text, m.reason);
}

}  // namespace

std::string render_failover(const vrrp::FailoverDone& done, const View&) {
  std::string out;
  for (const auto& outcome : done.outcomes) out += fmt::format("{}: {}\n", outcome.instance, outcome_text(outcome));
  return out.empty() ? "no VRRP instance is configured\n" : out;
}

std::string render_maintenance(const daemon::MaintenanceStatus& maintenance, const View& view) {
  if (!maintenance.on) return "no maintenance: this director takes part in elections\n";
  return fmt::format("maintenance {}\n", since_by_and_why(maintenance, view));
}

std::string render_maintenance_change(const daemon::MaintenanceResult& result, const View& view) {
  if (!result.maintenance.on) return "maintenance is over: this director takes part in elections\n";
  std::string out;
  for (const auto& line : result.handed_over) out += line + "\n";
  const auto& m = result.maintenance;
  const auto until = m.until_unix_ms == 0 ? "" : " until " + local_time(m.until_unix_ms, view);
  return out + fmt::format(
                   "no VRRP instance becomes master here{}; it survives reload and restart\n"
                   "  undo: lvsctl maintenance off\n",
                   until);
}

}  // namespace lvsd::ctl

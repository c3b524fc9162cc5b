#include "daemon/maintenance.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace lvsd::daemon {

using vrrp::FailoverOutcome;

std::string reason_problem(const std::string& reason) {
  if (reason.size() > kLongestReason) return fmt::format("the reason is longer than {} bytes", kLongestReason);
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  return std::ranges::any_of(reason, is_control) ? "the reason is not one line of text" : "";
}

base::Result<void, Objection> check(const MaintenanceRequest& request) {
  if (const auto problem = reason_problem(request.reason); !problem.empty())
    return tl::unexpected{Objection{400, "bad_request", problem, ""}};
  if (request.for_ms < 0 || request.for_ms > kLongestOverrideMs)
    return tl::unexpected{Objection{400, "bad_request", "for_ms is not within 0 and a year", ""}};
  return {};
}

MaintenanceStatus begun(const MaintenanceRequest& request, const std::string& by, std::int64_t now_unix_ms) {
  return {true, by, request.reason, now_unix_ms, request.for_ms == 0 ? 0 : now_unix_ms + request.for_ms};
}

bool is_over(const MaintenanceStatus& maintenance, std::int64_t now_unix_ms) {
  return maintenance.on && maintenance.until_unix_ms != 0 && maintenance.until_unix_ms <= now_unix_ms;
}

std::string words(const MaintenanceStatus& maintenance) {
  if (!maintenance.on) return {};
  return fmt::format("maintenance by {}{}{}", maintenance.by, maintenance.reason.empty() ? "" : ": ",
                     maintenance.reason);
}

std::vector<std::string> without_successor(const vrrp::FailoverDone& done) {
  std::vector<std::string> names;
  for (const auto& outcome : done.outcomes) {
    if (outcome.outcome == FailoverOutcome::nobody) names.push_back(outcome.instance);
  }
  return names;
}

std::vector<std::string> handover_lines(const vrrp::FailoverDone& done) {
  std::vector<std::string> lines;
  for (const auto& outcome : done.outcomes) {
    if (outcome.outcome == FailoverOutcome::not_master) continue;
    lines.push_back(fmt::format("{}: {} ({} ms)", outcome.instance, outcome.text, outcome.took_ms));
  }
  return lines;
}

}  // namespace lvsd::daemon

#include "daemon/ctl/mastership_commands.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "daemon/ctl/render.hpp"
#include "daemon/ctl/words.hpp"

namespace lvsd::ctl {
namespace {

using namespace std::chrono_literals;
using vrrp::FailoverOutcome;

constexpr base::Duration kTimeout = 15s;  // a handover takes up to 5 s

// The reply to a request that changes something, or what it was refused for.
base::Result<std::string, Failure> post(const Asking& ask, const std::string& path, const std::string& body) {
  auto reply = ask.post(path, kTimeout, body);
  if (!reply) return tl::unexpected{reply.error()};
  if (reply->status < 200 || reply->status > 299) return tl::unexpected{Asking::failure_of(*reply)};
  return std::move(reply->body);
}

Answered begin_or_end(const Invocation& invocation, const View& view, const Asking& ask) {
  daemon::MaintenanceRequest request;
  request.on = invocation.command->verb == "on";
  if (invocation.lasts) request.for_ms = base::milliseconds(*invocation.lasts);
  request.reason = invocation.reason;
  request.force = invocation.force;
  const auto body = post(ask, "/api/v1/maintenance", json_of(request));
  if (!body) return tl::unexpected{body.error()};
  const auto result = Asking::read<daemon::MaintenanceResult>(*body);
  if (!result) return tl::unexpected{result.error()};
  std::string notes;
  for (const auto& warning : result->warnings) notes += fmt::format("warning: {}\n", warning);
  const bool json = invocation.format == Format::Json;
  return Answer{json ? *body : invocation.quiet ? "" : render_maintenance_change(*result, view), notes, kOk};
}

}  // namespace

Answered fail_over(const Invocation& invocation, const View& view, const Asking& ask) {
  const auto body =
      post(ask, "/api/v1/failover", json_of(daemon::FailoverRequest{invocation.arguments, invocation.reason}));
  if (!body) return tl::unexpected{body.error()};
  const auto done = Asking::read<vrrp::FailoverDone>(*body);
  if (!done) return tl::unexpected{done.error()};
  const auto ceded = [](const auto& outcome) { return outcome.outcome == FailoverOutcome::handed_over; };
  const auto failed = [](const auto& outcome) {
    return outcome.outcome == FailoverOutcome::nobody || outcome.outcome == FailoverOutcome::lost;
  };
  const bool ok = std::ranges::any_of(done->outcomes, ceded) && std::ranges::none_of(done->outcomes, failed);
  const int code = ok ? kOk : kFailed;
  if (invocation.format == Format::Json) return Answer{*body, "", code};
  return Answer{invocation.quiet && ok ? "" : render_failover(*done, view), "", code};
}

Answered maintenance(const Invocation& invocation, const View& view, const Asking& ask) {
  if (!invocation.command->verb.empty()) return begin_or_end(invocation, view, ask);
  auto body = ask.get("/api/v1/maintenance");
  if (!body) return tl::unexpected{body.error()};
  const auto status = Asking::read<daemon::MaintenanceStatus>(*body);
  if (!status) return tl::unexpected{status.error()};
  return Answer{invocation.format == Format::Json ? std::move(*body) : render_maintenance(*status, view), "", kOk};
}

}  // namespace lvsd::ctl

// Supervisor's dealings with operator overrides: what they are, when they end, where they are kept.
#include <fmt/format.h>

#include "base/log.hpp"
#include "daemon/maintenance.hpp"
#include "daemon/supervisor.hpp"
#include "daemon/user_name.hpp"

namespace lvsd::daemon {
namespace log = base::log;

namespace {

ipvs::HealthView view_of(const ipvs::Health& health) {
  ipvs::HealthView view;
  update(view, health);
  return view;
}

void log_change(const OverrideRequest& request, const OverrideChange& change, const std::string& by,
                const std::string& peer) {
  log::notice(change.server, "{}{}{} by {} ({}): weight {} → {}{}{}", request.action, request.weight.empty() ? "" : " ",
              request.weight, by, peer, change.weight_before, change.weight_after,
              request.for_ms == 0 ? "" : ", for " + base::format_duration(std::chrono::milliseconds{request.for_ms}),
              request.reason.empty() ? "" : ": " + request.reason);
}

}  // namespace

void Supervisor::override_servers(const OverrideRequest& request, const HttpRequest& from,
                                  const Control::Overridden& done) {
  const auto configuration = configurations_.in_force();
  if (!configuration || stopping_ != Stopping::No) {
    return done(tl::unexpected{Objection{503, "no_configuration", "no configuration is in force", "try again"}});
  }
  const auto by = from.uid ? user_name(*from.uid) : "unknown";
  const auto health = view_of(steering_.complete_health());
  auto decision = decide(overrides_, request, {configuration->config.ipvs, health, by, unix_ms_now()});
  if (!decision) {
    log::notice("overrides", "{} by {} ({}) not done: {}", request.action, by, from.peer, decision.error().text);
    return done(tl::unexpected{decision.error()});
  }
  auto& result = decision->result;
  for (const auto& node : configuration->config.nodes) {
    if (node.name != configuration->config.node) result.other_nodes.push_back(node.name);
  }
  if (request.dry_run || result.changes.empty()) return done(std::move(result));
  for (const auto& change : result.changes) {
    log_change(request, change, by, from.peer);
    note("override", change.server, "", change.overridden,
         fmt::format("{}{}{} by {}{}{}", request.action, request.weight.empty() ? "" : " ", request.weight, by,
                     request.reason.empty() ? "" : ": ", request.reason));
  }
  change_overrides(std::move(decision->after), [done, result](const base::Result<void>& kept) mutable {
    if (!kept) {
      result.warnings.push_back("in force, but it cannot be kept across a restart: " + kept.error().text);
    }
    done(std::move(result));
  });
}

void Supervisor::change_overrides(OverrideList list, std::function<void(base::Result<void>)> kept) {
  overrides_ = std::move(list);
  status_changed_ = true;
  carry_out(steering_.overrides_now(for_room(overrides_)));
  carry_out(steering_.maintenance_now(words(overrides_.maintenance)));
  override_file_.write(overrides_, [this, kept = std::move(kept)](const base::Result<void>& written) {
    overrides_problem_ = written ? "" : "overrides cannot be kept across a restart: " + written.error().text;
    if (!written) log::error("overrides", "{}", overrides_problem_);
    if (kept) kept(written);
  });
}

void Supervisor::end_expired_overrides() {
  if (is_over(overrides_.maintenance, unix_ms_now())) {
    log::notice("maintenance", "{} has run out", words(overrides_.maintenance));
    note("maintenance", "", "on", "off", words(overrides_.maintenance) + " has run out");
    put_maintenance({}, {});
  }
  if (overrides_.overrides.empty()) return;
  auto list = overrides_;
  const auto ended = take_expired(list, unix_ms_now());
  for (const auto& o : ended) {
    log::notice(o.server, "{} by {} has run out", words(o), o.by);
    note("override", o.server, words(o), "", "has run out, it was by " + o.by);
  }
  if (!ended.empty()) change_overrides(std::move(list), {});
}

void Supervisor::drop_unknown_overrides(const Config& config) {
  auto list = overrides_;
  const auto dropped = take_unknown(list, config.ipvs);
  for (const auto& o : dropped) {
    log::notice(o.server, "{} by {} is dropped: the configuration has no such server", words(o), o.by);
    note("override", o.server, words(o), "", "dropped: the configuration has no such server");
  }
  if (!dropped.empty()) change_overrides(std::move(list), {});
}

}  // namespace lvsd::daemon

#include "daemon/ctl/configuration_commands.hpp"

#include <fmt/format.h>

#include "daemon/config/load.hpp"
#include "daemon/ctl/config_source.hpp"
#include "daemon/ctl/render.hpp"
#include "daemon/ctl/words.hpp"

namespace lvsd::ctl {
namespace {

using namespace std::chrono_literals;

constexpr base::Duration kReloadTimeout = 60s;

Answered diff_to_running(const Invocation& invocation, const View& view, const Asking& ask) {
  const auto from = in_force(ask);
  if (!from) return tl::unexpected{from.error()};
  const auto& sources = from->running.sources;
  const auto path = invocation.arguments.empty() ? sources.files.front().path : invocation.arguments.front();
  const auto to = load_file(path, invocation, sources.node);
  if (!to.outcome.config) return tl::unexpected{invalid(to, path)};
  const auto changes = daemon::changes(from->config, *to.outcome.config);
  const auto text = invocation.format == Format::Json ? json_of(changes) : render_changes(changes, view);
  return Answer{text, to.note + rendered(to), changes.empty() ? 0 : 1};
}

}  // namespace

Answered reload(const Invocation& invocation, const View& view, const Asking& ask) {
  const auto reply = ask.post("/api/v1/reload", kReloadTimeout);
  if (!reply) return tl::unexpected{reply.error()};
  const auto result = decode<daemon::ReloadResult>(reply->body);
  if (!result) {
    if (reply->status > 299) return tl::unexpected{Asking::failure_of(*reply)};
    return tl::unexpected{Failure{kFailed, {"bad_reply", result.error().text, ""}, ""}};
  }
  const int code = result->ok ? kOk : kInvalid;
  if (invocation.format == Format::Json) return Answer{with_newline(reply->body), "", code};
  const auto diagnostics = with_newline(result->diagnostics);
  if (result->ok) return Answer{invocation.quiet ? "" : render_reload(*result, view), diagnostics, code};
  const auto text = fmt::format("the reload failed; nothing was changed, {} stays in force", result->fingerprint);
  return tl::unexpected{Failure{code, {"invalid_configuration", text, ""}, diagnostics}};
}

Answered config_check(const Invocation& invocation, const View& view, const Asking& ask) {
  const auto path = invocation.arguments.empty() ? std::string{kConfigFile} : invocation.arguments.front();
  const auto loaded = load_file(path, invocation, invocation.node.empty() ? running_node(ask) : "");
  const bool ok = loaded.outcome.config.has_value();
  if (invocation.format == Format::Json)
    return Answer{json_of(loaded.outcome.diagnostics, path), "", ok ? kOk : kInvalid};
  if (!ok) return tl::unexpected{invalid(loaded, path)};
  if (invocation.quiet) return Answer{};
  const auto& config = *loaded.outcome.config;
  return Answer{
      fmt::format("{} is valid: {}, {}, {} (config {})\n", path,
                  plural(config.ipvs.virtual_servers.size(), "virtual server", view),
                  plural(config.vrrp.instances.size(), "VRRP instance", view),
                  plural(config.healthcheck.targets.size(), "check target", view), daemon::fingerprint(loaded.sources)),
      loaded.note + rendered(loaded), kOk};
}

Answered config_show(const Invocation& invocation, const View& view, const Asking& ask) {
  auto body = ask.get("/api/v1/config");
  if (!body) return tl::unexpected{body.error()};
  const auto running = decode_config(*body);
  if (!running) return tl::unexpected{Failure{kFailed, {"bad_reply", running.error().text, ""}, ""}};
  return Answer{invocation.format == Format::Json ? std::move(*body) : render_sources(running->sources, view), "", kOk};
}

Answered config_diff(const Invocation& invocation, const View& view, const Asking& ask) {
  auto answered = diff_to_running(invocation, view, ask);
  if (!answered && answered.error().code < 2) answered.error().code = 2;
  return answered;
}

}  // namespace lvsd::ctl

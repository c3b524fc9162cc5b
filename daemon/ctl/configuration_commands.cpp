#include "daemon/ctl/configuration_commands.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "daemon/config/load.hpp"
#include "daemon/ctl/render.hpp"
#include "daemon/ctl/words.hpp"

namespace lvsd::ctl {
namespace {

using namespace std::chrono_literals;

constexpr base::Duration kReloadTimeout = 60s;
constexpr base::Duration kNodeTimeout = 1s;  // a check waits no longer for a daemon that it can do without

struct Loaded {
  daemon::Sources sources;
  daemon::Outcome outcome;
  std::string note;  // as which node, when nothing said so
};

// `running`: the daemon's node, "" when it does not answer.
Loaded load(const std::string& path, const Invocation& invocation, const std::string& running) {
  std::vector<daemon::Diagnostic> problems;
  Loaded loaded;
  loaded.sources = daemon::read_sources(path, invocation.node, problems);
  auto& sources = loaded.sources;
  const auto nodes = daemon::node_names(sources);
  const auto has = [&](const std::string& name) { return std::ranges::find(nodes, name) != nodes.end(); };
  if (invocation.node.empty()) {
    if (has(running) || (nodes.empty() && !running.empty())) {
      sources.node = running;
    } else if (!nodes.empty() && !has(sources.node)) {
      loaded.note = fmt::format("no [node {}] in {}: read as node {}; --node NAME chooses another\n",
                                running.empty() ? sources.node : running, path, nodes.front());
      sources.node = nodes.front();
    }
  }
  loaded.outcome = daemon::parse(sources, std::move(problems));
  return loaded;
}

// "" when no daemon answers.
std::string running_node(const Asking& ask) {
  const auto body = ask.get("/api/v1/config", kNodeTimeout);
  const auto running = body ? decode_config(*body) : base::fail("");
  return running ? running->sources.node : "";
}

std::string with_newline(std::string text) {
  if (!text.empty() && text.back() != '\n') text += '\n';
  return text;
}

std::string rendered(const Loaded& loaded) {
  if (loaded.outcome.diagnostics.empty()) return {};
  return with_newline(daemon::render(loaded.outcome.diagnostics, loaded.sources));
}

Failure invalid(const Loaded& loaded, const std::string& path) {
  return {kInvalid,
          {"invalid_configuration", fmt::format("{} is not valid; nothing was changed", path), ""},
          loaded.note + rendered(loaded)};
}

Answered diff_to_running(const Invocation& invocation, const View& view, const Asking& ask) {
  const auto body = ask.get("/api/v1/config");
  if (!body) return tl::unexpected{body.error()};
  const auto running = decode_config(*body);
  if (!running) return tl::unexpected{Failure{kFailed, {"bad_reply", running.error().text, ""}, ""}};
  const auto from = daemon::parse(running->sources);
  if (!from.config) {
    return tl::unexpected{Failure{kFailed,
                                  {"bad_reply", "this lvsctl does not understand the running configuration",
                                   "are lvsctl and lvsd of the same version? lvsctl version"},
                                  with_newline(daemon::render(from.diagnostics, running->sources))}};
  }
  const auto path = invocation.arguments.empty() ? running->sources.files.front().path : invocation.arguments.front();
  const auto to = load(path, invocation, running->sources.node);
  if (!to.outcome.config) return tl::unexpected{invalid(to, path)};
  const auto changes = daemon::changes(*from.config, *to.outcome.config);
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
  const auto loaded = load(path, invocation, invocation.node.empty() ? running_node(ask) : "");
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

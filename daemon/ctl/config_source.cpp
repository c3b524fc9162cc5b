#include "daemon/ctl/config_source.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace lvsd::ctl {
namespace {

constexpr base::Duration kNodeTimeout = std::chrono::seconds{1};  // for a daemon that can be done without

}  // namespace

Loaded load_file(const std::string& path, const Invocation& invocation, const std::string& running) {
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

base::Result<InForce, Failure> in_force(const Asking& ask) {
  const auto body = ask.get("/api/v1/config");
  if (!body) return tl::unexpected{body.error()};
  auto running = decode_config(*body);
  if (!running) return tl::unexpected{Failure{kFailed, {"bad_reply", running.error().text, ""}, ""}};
  auto outcome = daemon::parse(running->sources);
  if (!outcome.config) {
    return tl::unexpected{Failure{kFailed,
                                  {"bad_reply", "this lvsctl does not understand the running configuration",
                                   "are lvsctl and lvsd of the same version? lvsctl version"},
                                  with_newline(daemon::render(outcome.diagnostics, running->sources))}};
  }
  return InForce{std::move(*running), std::move(*outcome.config)};
}

base::Result<daemon::Config, Failure> given_or_in_force(const Invocation& invocation, const Asking& ask) {
  if (invocation.config.empty()) {
    auto from = in_force(ask);
    if (from) return std::move(from->config);
    if (from.error().code != kUnreachable) return tl::unexpected{from.error()};
  }
  const auto path = invocation.config.empty() ? std::string{kConfigFile} : invocation.config;
  auto loaded = load_file(path, invocation, "");
  if (!loaded.outcome.config) return tl::unexpected{invalid(loaded, path)};
  return std::move(*loaded.outcome.config);
}

}  // namespace lvsd::ctl

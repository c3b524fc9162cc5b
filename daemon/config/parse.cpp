// Sources → Config, or everything that is wrong with them.
#include <algorithm>

#include <fmt/format.h>

#include "daemon/config/validate.hpp"

namespace lvsd::daemon {
namespace {

Config build_for(const Sources& sources, const Document& document, std::string_view node, Report& report) {
  Build build{document, node, report, {}, {}, {}, {}, sources.secrets};
  build_nodes(build);
  build_tracks(build);
  build_vrrp(build);
  build_sync_groups(build);
  build_notify(build);
  build_checks(build);
  build_engine(build);
  build_services(build);
  add_withdrawals(build);
  build_scripts(build);
  build_kernel(build);
  build_sync(build);
  return std::move(build.config);
}

// A file that was emptied or cut short must never pass for a configuration.
void check_not_empty(const std::vector<RawSection>& raw, Report& report) {
  const auto says_something = [](const RawSection& section) {
    return section.header.starts_with("vrrp") || section.header.starts_with("virtual_server");
  };
  if (std::any_of(raw.begin(), raw.end(), says_something)) return;
  report.error({0, 0, 0, 1},
               raw.empty() ? "the file is empty: it has no section"
                           : "neither a [vrrp NAME] nor a [virtual_server NAME] section",
               "there is nothing for lvsd to do; to stop it, stop the service");
}

// The node's name in the file; "" when the file does not tell nodes apart.
std::string_view find_node(const Document& document, const Sources& sources, Report& report) {
  const auto nodes = document.names("node");
  const auto found = std::find(nodes.begin(), nodes.end(), sources.node);
  if (found != nodes.end()) return *found;
  const auto list =
      fmt::format("nodes in the file: {}", nodes.empty() ? "none" : fmt::format("{}", fmt::join(nodes, " ")));
  if (sources.node_given) {
    report.error({0, 0, 0, 1}, fmt::format("there is no [node {}]{}", sources.node, did_you_mean(sources.node, nodes)),
                 list);
  } else if (const auto* item = document.first_override()) {
    report.error(
        {0, 0, 0, 1}, fmt::format("this host is \"{}\", and there is no [node {}]", sources.node, sources.node),
        fmt::format("\"{}@{}\" depends on the node: name it with --node; {}", item->key->name, item->node, list));
  } else if (!nodes.empty()) {
    report.warning({0, 0, 0, 1},
                   fmt::format("this host is \"{}\", and there is no [node {}]", sources.node, sources.node), list);
  }
  return "";
}

// Every node's view must be valid, or the pair would fall apart at the first failover.
Config build_all(const Sources& sources, const Document& document, std::string_view node, Report& report) {
  // An unknown host among named nodes has no view of its own (reported): keys may stand for the nodes alone.
  const bool overrides = document.first_override() != nullptr;
  Config config;
  std::vector<Config> views;
  if (!node.empty() || !overrides) config = build_for(sources, document, node, report);
  if (overrides) {
    for (const auto other : document.names("node")) {
      if (other == node) continue;
      report.set_suffix(fmt::format(" (on node {})", other));
      views.push_back(build_for(sources, document, other, report));
    }
    report.set_suffix("");
  }
  if (!node.empty()) views.push_back(config);
  check_weights(document, views, report);
  check_pair(document, report);
  return config;
}

bool is_error(const Diagnostic& d) { return d.severity == Diagnostic::Severity::Error; }

std::vector<RawSection> read_all(const Sources& sources, Report& report) {
  std::vector<RawSection> raw;
  for (std::uint32_t file = 0; file < sources.files.size(); ++file) read_raw(sources, file, raw, report);
  return raw;
}

}  // namespace

std::vector<std::string> node_names(const Sources& sources) {
  Report unheard{sources};
  const auto raw = read_all(sources, unheard);
  std::vector<std::string> names;
  for (const auto name : Document{raw, unheard}.names("node")) names.emplace_back(name);
  return names;
}

Outcome parse(const Sources& sources, std::vector<Diagnostic> problems) {
  Report report{sources};
  Outcome outcome;
  if (sources.files.empty()) {
    outcome.diagnostics = in_order(std::move(problems), sources);
    return outcome;
  }
  const auto raw = read_all(sources, report);
  const bool unreadable = std::any_of(problems.begin(), problems.end(), is_error);
  if (!unreadable) check_not_empty(raw, report);
  const Document document{raw, report};
  const auto node = find_node(document, sources, report);
  auto config = build_all(sources, document, node, report);
  if (!unreadable && report.errors() == 0) outcome.config = std::move(config);
  problems.insert(problems.end(), report.diagnostics().begin(), report.diagnostics().end());
  outcome.diagnostics = in_order(std::move(problems), sources);
  return outcome;
}

}  // namespace lvsd::daemon

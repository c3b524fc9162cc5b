#include "daemon/ctl/host_commands.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "daemon/ctl/config_source.hpp"
#include "daemon/ctl/real_server.hpp"
#include "daemon/ctl/render.hpp"
#include "daemon/host/findings.hpp"

namespace lvsd::ctl {
namespace {

constexpr const char* kSysctlFile = "/etc/sysctl.d/60-lvsd.conf";

int code_of(const std::vector<daemon::HostFinding>& findings) {
  const auto any = [&](std::string_view level) {
    return std::ranges::any_of(findings, [&](const auto& finding) { return finding.level == level; });
  };
  return any("fail") ? 2 : any("warn") ? 1 : kOk;
}

// Everything the host should have, so that the file holds it all after a second --fix too.
base::Result<std::string, Failure> fix(const daemon::Config& config, const daemon::HostFacts& facts,
                                       const Surroundings& around) {
  const auto wrong = daemon::wrong_settings(config, facts);
  if (wrong.empty()) return "no setting of the kernel is wrong\n";
  if (const auto set = around.set_host(daemon::host_settings(config, facts), kSysctlFile); !set) {
    return tl::unexpected{Failure{kFailed, {"refused", set.error().text, "settings need root"}, ""}};
  }
  std::string said;
  for (const auto& [name, value] : wrong) said += fmt::format("set {} = {}\n", name, value);
  return said + fmt::format("for always in {}\n", kSysctlFile);
}

}  // namespace

Answered doctor(const Invocation& invocation, const View& view, const Asking& ask, const Surroundings& surroundings) {
  const auto config = given_or_in_force(invocation, ask);
  if (!config) return tl::unexpected{config.error()};
  auto facts = surroundings.read_host(*config);
  std::string notes;
  if (invocation.fix) {
    auto fixed = fix(*config, facts, surroundings);
    if (!fixed) return tl::unexpected{fixed.error()};
    notes = std::move(*fixed);
    facts = surroundings.read_host(*config);
  }
  const auto found = daemon::findings(*config, facts);
  const auto text = invocation.format == Format::Json ? json_of(found) : render_findings(found, view);
  return Answer{text, notes, code_of(found)};
}

Answered real_server_setup(const Invocation& invocation, const Asking& ask) {
  const auto config = given_or_in_force(invocation, ask);
  if (!config) return tl::unexpected{config.error()};
  const auto hosts = real_server_needs(*config, invocation.arguments);
  if (!hosts) return tl::unexpected{Failure{kNotFound, {"not_found", hosts.error().text, ""}, ""}};
  std::string text;
  for (const auto& host : *hosts) {
    if (!text.empty()) text += '\n';
    text += setup_text(host, invocation.setup_format);
  }
  return Answer{text, "", kOk};
}

}  // namespace lvsd::ctl

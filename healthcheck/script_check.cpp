#include "healthcheck/script_check.hpp"

#include <utility>

#include <fmt/format.h>

namespace lvsd::healthcheck {
namespace {

std::string filled_in(std::string text, const base::Endpoint& server) {
  const std::pair<std::string_view, std::string> places[] = {{"{address}", server.address.to_string()},
                                                             {"{port}", fmt::format("{}", server.port)}};
  for (const auto& [place, value] : places) {
    for (auto at = text.find(place); at != std::string::npos; at = text.find(place, at + value.size()))
      text.replace(at, place.size(), value);
  }
  return text;
}

std::string output_words(const base::ScriptEnded& ended) {
  const auto shown = excerpt(ended.output);
  return shown.empty() ? "" : fmt::format(", \"{}\"", shown);
}

CheckResult judge_exit(const base::ScriptEnded& ended, const CheckConfig& check) {
  CheckResult result{Reason::Ok, fmt::format("exit {}", ended.status)};
  if (check.weight_from_exit && ended.status >= 2) {
    result.share.weight = ended.status - 2;
    result.text += fmt::format(", weight {}", ended.status - 2);
  } else if (ended.status != 0) {
    result.reason = Reason::Exit;
  }
  result.text += output_words(ended);
  return result;
}

}  // namespace

std::string script_name(const Target& target) { return "check " + target.id; }

base::ScriptCommand script_command(const Target& target) {
  base::ScriptCommand command{{}, target.check.user, target.check.timeout};
  for (const auto& argument : target.check.command) command.arguments.push_back(filled_in(argument, target.endpoint));
  return command;
}

std::vector<std::string> script_environment(const Target& target) {
  return {"LVSD_CHECK=" + target.check.name, "LVSD_ADDRESS=" + target.endpoint.address.to_string(),
          fmt::format("LVSD_PORT={}", target.endpoint.port)};
}

CheckResult judge(const base::ScriptEnded& ended, const CheckConfig& check) {
  CheckResult result;
  switch (ended.outcome) {
    case base::ScriptOutcome::exited:
      result = judge_exit(ended, check);
      break;
    case base::ScriptOutcome::signalled:
      result = {Reason::Exit, fmt::format("killed by signal {}{}", ended.status, output_words(ended))};
      break;
    case base::ScriptOutcome::timed_out:
      result = {Reason::Timeout,
                fmt::format("timed out after {}{}", base::format_duration(check.timeout), output_words(ended))};
      break;
    case base::ScriptOutcome::refused:
    case base::ScriptOutcome::busy:
    case base::ScriptOutcome::lost:
      result = {Reason::Local, "not checked: " + ended.error};
      break;
  }
  result.latency = std::chrono::microseconds{ended.took_us};
  if (result.passed()) result.text += " in " + latency_words(result.latency);
  return result;
}

}  // namespace lvsd::healthcheck

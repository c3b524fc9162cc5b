#include "daemon/configurations.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <set>

#include <fmt/format.h>

#include "base/memfd.hpp"
#include "daemon/scripts/trusted_path.hpp"

namespace lvsd::daemon {

std::int64_t unix_ms_now() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

namespace {

// What the launcher would say, said before.
void look_at_scripts(Outcome& outcome, Diagnostic::Severity severity) {
  if (!outcome.config) return;
  std::set<std::string> programs;
  for (const auto& [name, script] : outcome.config->scripts) programs.insert(script.arguments.front());
  bool bad = false;
  for (const auto& program : programs) {
    const auto trusted = scripts::trusted_program(program);
    if (trusted) continue;
    Diagnostic diagnostic;
    diagnostic.severity = severity;
    diagnostic.message = fmt::format("{} cannot be run: {}", program, trusted.error().text);
    diagnostic.hint = "only root may be able to change a program that lvsd runs, or a folder on its path";
    outcome.diagnostics.push_back(std::move(diagnostic));
    bad = true;
  }
  if (bad && severity == Diagnostic::Severity::Error) outcome.config.reset();
}

}  // namespace

Revision revision_of(const Configuration& configuration) {
  Revision revision{configuration.generation, {}, configuration.config.ipvs.sync.wait};
  for (const auto& target : configuration.config.healthcheck.targets) revision.targets.insert(target.id);
  return revision;
}

bool is_same(const Configuration& a, const Configuration& b) {
  const auto equal = [](const SourceFile& one, const SourceFile& other) {
    return one.path == other.path && one.text == other.text;
  };
  return a.fingerprint == b.fingerprint && std::ranges::equal(a.sources.secrets, b.sources.secrets, equal);
}

LoadAttempt Configurations::load(bool at_start) {
  std::vector<Diagnostic> problems;
  const Sources sources = read_sources(path_, node_, problems);
  auto outcome = parse(sources, std::move(problems));
  look_at_scripts(outcome, at_start ? Diagnostic::Severity::Warning : Diagnostic::Severity::Error);
  return accept(sources, std::move(outcome));
}

ConfigurationPtr Configurations::recall(int sealed_fd) {
  const auto packed = base::read_sealed_memfd(sealed_fd);
  if (!packed) return nullptr;
  const auto sources = unpack(*packed);
  if (!sources) return nullptr;
  return accept(*sources, parse(*sources)).loaded;
}

LoadAttempt Configurations::accept(const Sources& sources, Outcome outcome) {
  LoadAttempt attempt;
  if (!outcome.diagnostics.empty()) attempt.diagnostics = render(outcome.diagnostics, sources);
  if (!outcome.config) return attempt;
  auto packed = base::make_sealed_memfd("lvsd-config", pack(sources, Secrets::Included));
  auto without_secrets = base::make_sealed_memfd("lvsd-config", pack(sources, Secrets::LeftOut));
  if (!packed || !without_secrets) {
    attempt.diagnostics = (packed ? without_secrets : packed).error().text;
    return attempt;
  }
  attempt.loaded = std::make_shared<const Configuration>(
      Configuration{++last_generation_, sources, std::move(*outcome.config), fingerprint(sources), std::move(*packed),
                    std::move(*without_secrets)});
  return attempt;
}

ConfigurationPtr Configurations::find(std::uint64_t generation) const {
  for (const auto& configuration : {candidate_, in_force_}) {
    if (configuration && configuration->generation == generation) return configuration;
  }
  return nullptr;
}

const base::ScriptCommand* Configurations::script(const std::string& name) const {
  for (const auto& configuration : {candidate_, in_force_}) {
    if (!configuration) continue;
    const auto& scripts = configuration->config.scripts;
    if (const auto found = scripts.find(name); found != scripts.end()) return &found->second;
  }
  return nullptr;
}

bool Configurations::has_check_mark(std::uint32_t mark) const {
  return std::ranges::any_of(std::array{candidate_, in_force_}, [mark](const auto& configuration) {
    return configuration && configuration->config.check_marks.contains(mark);
  });
}

void Configurations::put_in_force(ConfigurationPtr configuration) {
  in_force_ = std::move(configuration);
  candidate_.reset();
  status_.path = path_;
  status_.fingerprint = in_force_->fingerprint;
  status_.loaded_unix_ms = unix_ms_now();
}

void Configurations::reload_succeeded() {
  status_.last_reload_ok = true;
  status_.last_reload_unix_ms = unix_ms_now();
  status_.last_reload_error.clear();
}

void Configurations::reload_failed(std::string error) {
  status_.last_reload_ok = false;
  status_.last_reload_unix_ms = unix_ms_now();
  status_.last_reload_error = std::move(error);
}

std::vector<std::string> describe_changes(const Configuration& from, const Configuration& to) {
  std::vector<std::string> lines;
  for (const auto& change : changes(from.config, to.config)) {
    auto line = fmt::format("{} {}", change.sign, change.subject);
    if (!change.what.empty()) line += ": " + change.what;
    if (!change.effect.empty()) line += fmt::format(" ({})", change.effect);
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace lvsd::daemon

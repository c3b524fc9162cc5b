// [track] of a type other than interface: what is looked at, by which question of the healthcheck room.
#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "daemon/config/key_uses.hpp"
#include "daemon/config/validate.hpp"
#include "healthcheck/check_type.hpp"

namespace lvsd::daemon {
namespace {

using healthcheck::CheckConfig;
using healthcheck::CheckType;

constexpr std::string_view kObserved = "script, file, process, route, ping, tcp or http";
constexpr KeyUse kUses[] = {{"interface", "interface"},
                            {"command", "script"},
                            {"user", "script"},
                            {"file", "file"},
                            {"process", "process"},
                            {"route", "route"},
                            {"address", "ping, tcp or http"},
                            {"port", "tcp or http"},
                            {"path", "http"},
                            {"virtual_server", "quorum"},
                            {"interval", kObserved},
                            {"timeout", kObserved},
                            {"rise", kObserved},
                            {"fall", kObserved}};

// The one key that a type cannot do without.
std::optional<Value> needed(const SectionReader& reader, std::string_view key, Report& report) {
  const auto value = reader.value(key);
  if (!value) report.error(reader.section().place, fmt::format("{} has no \"{}\"", reader.section().title(), key));
  return value;
}

void read_file(const SectionReader& reader, CheckConfig& check, Report& report) {
  const auto value = needed(reader, "file", report);
  if (!value) return;
  check.file = value->text;
  if (!check.file.starts_with('/'))
    report.error(value->place, fmt::format("file = {}: must be an absolute path", value->text));
}

void read_process(const SectionReader& reader, CheckConfig& check, Report& report) {
  constexpr std::size_t kLongest = 255;
  const auto value = needed(reader, "process", report);
  if (!value) return;
  check.process = value->text;
  if (check.process.empty() || check.process.size() > kLongest || check.process.find('/') != std::string::npos)
    report.error(value->place, fmt::format("process = {}: is not the name of a program", value->text),
                 "the name without a path, as ps -e shows it");
}

void read_route(const SectionReader& reader, CheckConfig& check, Report& report) {
  const auto value = needed(reader, "route", report);
  if (!value) return;
  const auto prefix = base::Prefix::parse(value->text == "default" ? "0.0.0.0/0" : value->text);
  if (!prefix) return report.error(value->place, "route: " + prefix.error().text);
  check.route = *prefix;
}

void read_server(const SectionReader& reader, healthcheck::Target& target, Report& report) {
  const auto value = needed(reader, "address", report);
  if (!value) return;
  const auto address = base::IpAddress::parse(value->text);
  if (!address) return report.error(value->place, "address: " + address.error().text);
  if (address->is_unspecified() || address->is_multicast())
    return report.error(value->place, fmt::format("{} is not an address that could answer", value->text));
  target.endpoint.address = *address;
  target.endpoint.port = static_cast<std::uint16_t>(reader.integer("port"));
  if (target.check.type == CheckType::Http && target.endpoint.port == 0) target.endpoint.port = 80;
  if (target.check.type == CheckType::Tcp && target.endpoint.port == 0) needed(reader, "port", report);
  if (target.check.type != CheckType::Http) return;
  target.check.path = reader.text("path");
  if (!target.check.path.starts_with('/') || target.check.path.find(' ') != std::string::npos)
    report.error(reader.value("path")->place,
                 fmt::format("path = {}: must begin with \"/\" and have no blanks", target.check.path));
}

void read_script(const SectionReader& reader, CheckConfig& check, Report& report) {
  check.user = reader.text("user");
  if (const auto value = needed(reader, "command", report)) check.command = read_command("command", *value, report);
}

void read_rhythm(const SectionReader& reader, CheckConfig& check, Report& report) {
  check.interval = reader.time("interval");
  check.timeout = reader.time("timeout");
  if (check.timeout == base::Duration{}) check.timeout = check.interval;
  check.rise = static_cast<unsigned>(reader.integer("rise"));
  check.fall = static_cast<unsigned>(reader.integer("fall"));
  if (check.timeout > check.interval)
    report.error(reader.value("timeout")->place,
                 fmt::format("timeout {} is longer than interval {}", base::format_duration(check.timeout),
                             base::format_duration(check.interval)),
                 "a look must end before the next one begins");
}

void read_quorum(Build& build, const SectionReader& reader, vrrp::TrackConfig& track) {
  const auto value = needed(reader, "virtual_server", build.report);
  if (!value) return;
  track.target = value->text;
  if (build.document.find("virtual_server", value->text)) return;
  const auto known = build.document.names("virtual_server");
  build.report.error(value->place,
                     fmt::format("there is no [virtual_server {}]{}", value->text, did_you_mean(value->text, known)));
}

}  // namespace

void read_track_target(Build& build, const SectionReader& reader, TrackPlan& plan) {
  const std::string_view type = plan.track.type;
  if (type.empty()) return;  // wrong, and reported
  refuse_other_keys(reader, type, kUses, build.report);
  if (type == "interface") return;
  if (type == "quorum") return read_quorum(build, reader, plan.track);
  healthcheck::Target target;
  target.id = fmt::format("{}{}", kTrackTarget, plan.track.name);
  target.check.name = target.id;
  target.check.type = healthcheck::check_type(type).value_or(CheckType::Tcp);
  read_rhythm(reader, target.check, build.report);
  if (type == "script") {
    read_script(reader, target.check, build.report);
    plan.track.target = target.check.command.empty() ? "" : target.check.command.front();
  } else if (type == "file") {
    read_file(reader, target.check, build.report);
    plan.track.target = target.check.file;
  } else if (type == "process") {
    read_process(reader, target.check, build.report);
    plan.track.target = target.check.process;
  } else if (type == "route") {
    read_route(reader, target.check, build.report);
    plan.track.target = target.check.route.to_string();
  } else {
    read_server(reader, target, build.report);
    plan.track.target = type == "ping" ? target.endpoint.address.to_string() : target.endpoint.to_string();
  }
  plan.target = std::move(target);
}

}  // namespace lvsd::daemon

// [check]: questions to real servers.
#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "daemon/config/check_keys.hpp"
#include "daemon/config/key_uses.hpp"
#include "daemon/config/validate.hpp"
#include "healthcheck/check_type.hpp"
#include "healthcheck/script_check.hpp"

namespace lvsd::daemon {
namespace {

using healthcheck::CheckConfig;
using healthcheck::CheckType;

void read_script(const SectionReader& reader, CheckConfig& check, Report& report) {
  read_word(reader, "user", check.user, report);
  check.weight_from_exit = reader.boolean("weight_from_exit");
  if (const auto command = reader.value("command")) {
    check.command = read_command("command", *command, report);
  } else {
    report.error(reader.section().place, fmt::format("{} has no command", reader.section().title()));
  }
}

void read_file(const SectionReader& reader, CheckConfig& check, Report& report) {
  check.file = reader.text("file");
  read_absolute(reader, "file", report);
  if (check.file.empty()) report.error(reader.section().place, fmt::format("{} has no file", reader.section().title()));
}

std::optional<base::IpAddress> read_address(const SectionReader& reader, std::string_view key, Report& report) {
  const auto value = reader.value(key);
  if (!value) return std::nullopt;
  auto address = base::IpAddress::parse(value->text);
  if (address && !address->is_unspecified() && !address->is_multicast()) return *address;
  report.error(value->place, fmt::format("{} = {}: is not an address of a host", key, value->text));
  return std::nullopt;
}

void read_source(const SectionReader& reader, CheckConfig& check, Report& report) {
  check.source = read_address(reader, "source_address", report);
  if (const auto value = reader.value("interface")) check.interface = read_interface(*value, report).value_or("");
  check.mark = static_cast<std::uint32_t>(reader.integer("mark"));
  check.through_vip = reader.boolean("through_vip");
  if (check.through_vip && check.type == CheckType::Ping) {
    report.error(reader.value("through_vip")->place, "through_vip needs ports, which ping has none of");
    check.through_vip = false;
  }
  if (check.through_vip && check.mark != 0) {
    report.error(reader.value("mark")->place, "a check has a mark or through_vip, not both",
                 "through_vip uses a mark of lvsd's own");
  }
}

constexpr std::string_view kHttps = "http or https", kTls = "https, tls, smtp or grpc";
constexpr std::string_view kConnecting =
    "tcp, http, https, tls, udp, dns, smtp, ping, mysql, pgsql, redis, ldap, imap, pop3, ftp, sip, nntp, agent or grpc";
constexpr KeyUse kUses[] = {{"method", kHttps},
                            {"path", kHttps},
                            {"header", kHttps},
                            {"expect_body", kHttps},
                            {"expect_body_regex", kHttps},
                            {"expect_body_digest", kHttps},
                            {"url", kHttps},
                            {"http_version", kHttps},
                            {"expect_status", "http, https or sip"},
                            {"host", "http, https, tls, smtp, sip or grpc"},
                            {"tls_verify", kTls},
                            {"tls_ca_file", kTls},
                            {"tls_min_days", kTls},
                            {"tls_warn_days", kTls},
                            {"tls_server_name", kTls},
                            {"tls_certificate_file", kTls},
                            {"tls_key_file", kTls},
                            {"send", "tcp, tls or agent"},
                            {"expect", "tcp, tls or udp"},
                            {"expect_regex", "tcp, tls or udp"},
                            {"payload", "udp"},
                            {"require_reply", "udp or agent"},
                            {"query", "dns"},
                            {"expect_rcode", "dns"},
                            {"expect_answer", "dns"},
                            {"helo", "smtp"},
                            {"starttls", "smtp"},
                            {"login", "mysql or pgsql"},
                            {"database", "pgsql"},
                            {"command", "script"},
                            {"user", "script"},
                            {"weight_from_exit", "script"},
                            {"file", "file"},
                            {"service", "grpc"},
                            {"tls", "grpc"},
                            {"mark", kConnecting},
                            {"through_vip", kConnecting},
                            {"source_address", kConnecting},
                            {"interface", kConnecting}};

void read_type(const SectionReader& reader, CheckConfig& check, Report& report) {
  const auto word = reader.choice("type");
  if (word.empty()) return;  // wrong, reported, and what goes with it is unknown
  check.type = healthcheck::check_type(word).value_or(CheckType::Tcp);
  refuse_other_keys(reader, word, kUses, report);
  const auto takes = [&](std::string_view key) {
    const auto* use = std::find_if(std::begin(kUses), std::end(kUses), [&](const KeyUse& u) { return u.key == key; });
    return is_among(word, use->types);
  };
  if (takes("method")) read_http(reader, check, report);
  if (takes("host")) read_host(reader, check, report);
  if (takes("tls_verify")) read_tls(reader, check, report);
  if (takes("expect") || takes("send")) read_talk(reader, check, report);
  if (takes("query")) read_dns(reader, check, report);
  if (takes("login")) read_word(reader, "login", check.login, report);
  if (takes("database")) read_word(reader, "database", check.database, report);
  if (takes("command")) read_script(reader, check, report);
  if (takes("file")) read_file(reader, check, report);
  if (takes("source_address")) read_source(reader, check, report);
  if (check.type == CheckType::Grpc) {
    check.service = reader.text("service");
    check.tls = reader.boolean("tls");
  }
  if (check.type == CheckType::Sip) read_http_status(reader, check, report);
  if (check.type == CheckType::Smtp) {
    read_word(reader, "helo", check.helo, report);
    check.starttls = reader.boolean("starttls");
  }
}

// Every rhythm must leave room for the whole check.
void check_rhythm(const SectionReader& reader, const CheckConfig& check, Report& report) {
  const auto shown = reader.section().title();
  for (const auto& [key, every] : {std::pair{"interval", check.interval},
                                   {"down_interval", check.down_interval},
                                   {"fast_interval", check.fast_interval}}) {
    if (every.count() == 0 || check.timeout <= every) continue;
    const auto written = reader.has("timeout") ? "timeout" : key;
    report.error(reader.value(written)->place,
                 fmt::format("{}: timeout {} is longer than {} {}", shown, base::format_duration(check.timeout), key,
                             base::format_duration(every)),
                 "a check must end before the next one begins");
  }
}

CheckPlan build_check(Build& build, const Section& section) {
  const auto reader = build.reader(section);
  CheckPlan plan{&section, {}, 0, {}, 0};
  auto& check = plan.check;
  check.name = section.name;
  read_type(reader, check, build.report);
  check.interval = reader.time("interval");
  check.timeout = reader.time("timeout");
  check.rise = static_cast<unsigned>(reader.integer("rise"));
  check.fall = static_cast<unsigned>(reader.integer("fall"));
  plan.address = read_address(reader, "address", build.report);
  plan.port = static_cast<std::uint16_t>(reader.integer("port"));
  check.down_interval = reader.time("down_interval");
  check.fast_interval = reader.time("fast_interval");
  check.start_delay = reader.time("start_delay");
  check.initially_up = reader.choice("initial") == "up";
  check_rhythm(reader, check, build.report);
  return plan;
}

// A text that is equal exactly when everything but the name is.
std::string question_of(CheckConfig check) {
  std::string out = check.initially_up ? "up " : "";
  out += fmt::format("{} {} {} {} {} {} {} {:?} {:?} {:?} {:?}", static_cast<int>(check.type), check.interval.count(),
                     check.timeout.count(), check.rise, check.fall, check.tls_verify, check.method, check.path,
                     check.host, check.expect_body, check.tls_ca_file);
  out += fmt::format(" {} {} {} {} {} {} {} {}", check.down_interval.count(), check.fast_interval.count(),
                     check.start_delay.count(), check.tls_min_days, check.tls_warn_days, check.require_reply,
                     check.starttls, check.expect_rcode);
  for (const auto& text : {check.expect_body_regex, check.send, check.expect, check.expect_regex, check.query_name,
                           check.query_type, check.expect_answer, check.helo, check.login, check.database, check.user,
                           check.expect_body_digest, check.tls_server_name, check.tls_certificate_file,
                           check.tls_key_file, check.file, check.service, check.interface})
    out += fmt::format(" {:?}", text);
  for (const auto& argument : check.command) out += fmt::format(" a{:?}", argument);
  for (const auto& page : check.pages) out += fmt::format(" p{:?}:{:?}", page.path, page.digest);
  out += fmt::format(" {} {} {} {} {} {}", check.through_vip, check.weight_from_exit, check.tls, check.mark,
                     static_cast<int>(check.http_version), check.source ? check.source->to_string() : "");
  for (const auto& [name, value] : check.headers) out += fmt::format(" h{:?}:{:?}", name, value);
  for (const auto& range : check.expect_status) out += fmt::format(" s{}-{}", range.first, range.last);
  return out;
}

}  // namespace

void build_checks(Build& build) {
  std::unordered_map<std::string, std::size_t> questions;
  for (const auto* section : build.document.all("check")) {
    auto plan = build_check(build, *section);
    plan.question = questions.try_emplace(question_of(plan.check), questions.size()).first->second;
    build.checks.emplace(section->name, std::move(plan));
  }
}

void build_scripts(Build& build) {
  for (const auto& target : build.config.healthcheck.targets) {
    if (target.check.mark != 0) build.config.check_marks.insert(target.check.mark);
    if (target.check.type == CheckType::Script)
      build.config.scripts[healthcheck::script_name(target)] = healthcheck::script_command(target);
  }
}

std::vector<const CheckPlan*> find_checks(Build& build, const std::vector<Value>& names) {
  std::vector<const CheckPlan*> out;
  for (const auto& value : names) {
    for (const auto& name : split_commas(value)) {
      const auto found = build.checks.find(name.text);
      if (found == build.checks.end()) {
        const auto known = build.document.names("check");
        build.report.error(name.place,
                           fmt::format("there is no [check {}]{}", name.text, did_you_mean(name.text, known)));
        continue;
      }
      found->second.used = true;
      if (std::find(out.begin(), out.end(), &found->second) == out.end()) out.push_back(&found->second);
    }
  }
  return out;
}

}  // namespace lvsd::daemon

// [check]: questions to real servers.
#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "daemon/config/validate.hpp"
#include "healthcheck/check_type.hpp"
#include "healthcheck/dns_message.hpp"
#include "healthcheck/escapes.hpp"
#include "healthcheck/pattern.hpp"
#include "healthcheck/script_check.hpp"

namespace lvsd::daemon {
namespace {

using healthcheck::CheckConfig;
using healthcheck::CheckType;
using healthcheck::StatusRange;

constexpr std::size_t kMaxStatusRanges = 32;
constexpr std::size_t kMaxHeaders = 32;
constexpr std::size_t kMaxLogin = 63;  // bytes; PostgreSQL's limit of names

bool is_http_token(std::string_view text) {  // RFC 9110 §5.6.2
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           marks.find(c) != std::string_view::npos;
  });
}

// Whatever would end or split an HTTP request line.
bool has_control(std::string_view text, bool blank_too) {
  return std::any_of(text.begin(), text.end(), [&](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f || (blank_too && byte == ' ');
  });
}

std::optional<int> status_code(std::string_view text) {
  int code = 0;
  const auto* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, code);
  return error == std::errc{} && rest == end && code >= 100 && code <= 599 ? std::optional{code} : std::nullopt;
}

std::optional<StatusRange> status_range(std::string_view text) {
  const auto dash = text.find('-');
  const auto first = status_code(text.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : status_code(text.substr(dash + 1));
  return first && last && *first <= *last ? std::optional{StatusRange{*first, *last}} : std::nullopt;
}

void read_status(const SectionReader& reader, CheckConfig& check, Report& report) {
  check.expect_status.clear();
  for (const auto& value : reader.values("expect_status")) {
    for (const auto& word : split_commas(value)) {
      const auto range = status_range(word.text);
      if (range && check.expect_status.size() < kMaxStatusRanges) {
        check.expect_status.push_back(*range);
      } else {
        report.error(word.place,
                     range ? fmt::format("more than {} status ranges", kMaxStatusRanges)
                           : fmt::format("expect_status: \"{}\" is not a status code or range", word.text),
                     "examples: 200, 200-299; codes are 100..599");
      }
    }
  }
}

void read_headers(const SectionReader& reader, CheckConfig& check, Report& report) {
  for (const auto& value : reader.values("header")) {
    const auto colon = value.text.find(':');
    const auto name = value.text.substr(0, colon);
    if (colon == std::string_view::npos || !is_http_token(name) || has_control(value.text, false)) {
      report.error(value.place, fmt::format("header: \"{}\" is not a header", value.text), "write Name: value");
      continue;
    }
    if (check.headers.size() == kMaxHeaders)
      return report.error(value.place, fmt::format("more than {} headers", kMaxHeaders));
    auto content = value.text.substr(colon + 1);
    content.remove_prefix(std::min(content.size(), content.find_first_not_of(" \t")));
    check.headers.emplace_back(name, content);
  }
}

void read_path(const SectionReader& reader, CheckConfig& check, Report& report) {
  check.path = reader.text("path");
  if (!check.path.starts_with('/') || has_control(check.path, true)) {
    report.error(reader.value("path")->place,
                 fmt::format("path = {}: must begin with \"/\" and have no blanks", check.path));
  }
}

void read_host(const SectionReader& reader, CheckConfig& check, Report& report) {
  check.host = reader.text("host");
  if (const auto host = reader.value("host");
      host && (has_control(host->text, true) || host->text.find('/') != std::string_view::npos)) {
    report.error(host->place, fmt::format("host = {}: is not a host name", host->text),
                 "a name without scheme, path and blanks");
  }
}

void read_pattern(const SectionReader& reader, std::string_view key, std::string& pattern, Report& report) {
  pattern = reader.text(key);
  if (pattern.empty()) return;
  if (const auto good = healthcheck::check_pattern(pattern); !good) {
    report.error(reader.value(key)->place, fmt::format("{}: {}", key, good.error().text),
                 "the syntax is RE2's: no backreferences, no look-around");
  }
}

void read_bytes(const SectionReader& reader, std::string_view key, std::string& bytes, Report& report) {
  auto resolved = healthcheck::unescape(reader.text(key));
  if (!resolved) return report.error(reader.value(key)->place, fmt::format("{}: {}", key, resolved.error().text));
  bytes = std::move(*resolved);
}

void read_http(const SectionReader& reader, CheckConfig& check, Report& report) {
  check.method = reader.choice("method");
  read_path(reader, check, report);
  read_headers(reader, check, report);
  read_status(reader, check, report);
  check.expect_body = reader.text("expect_body");
  read_pattern(reader, "expect_body_regex", check.expect_body_regex, report);
  for (const auto key : {"expect_body", "expect_body_regex"}) {
    if (check.method == "HEAD" && !reader.text(key).empty())
      report.error(reader.value(key)->place, "an answer to HEAD has no body to expect anything in");
  }
}

void read_tls(const SectionReader& reader, CheckConfig& check, Report& report) {
  check.tls_verify = reader.boolean("tls_verify");
  check.tls_ca_file = reader.text("tls_ca_file");
  check.tls_min_days = static_cast<unsigned>(reader.integer("tls_min_days"));
  check.tls_warn_days = static_cast<unsigned>(reader.integer("tls_warn_days"));
  if (const auto file = reader.value("tls_ca_file"); file && !file->text.starts_with('/')) {
    report.error(file->place, fmt::format("tls_ca_file = {}: must be an absolute path", file->text));
  }
}

void read_talk(const SectionReader& reader, CheckConfig& check, Report& report) {
  read_bytes(reader, check.type == CheckType::Udp ? "payload" : "send", check.send, report);
  read_bytes(reader, "expect", check.expect, report);
  read_pattern(reader, "expect_regex", check.expect_regex, report);
  check.require_reply = reader.boolean("require_reply");
}

void read_dns(const SectionReader& reader, CheckConfig& check, Report& report) {
  const auto query = *reader.value("query");
  const auto words = split_words(query);
  if (words.size() != 2 || !healthcheck::is_dns_name(words[0].text) || !healthcheck::dns_type(words[1].text)) {
    report.error(query.place, fmt::format("query = {}: is not a name and a type", query.text),
                 "example: www.example.com A; types are A, AAAA, CNAME, MX, NS, PTR, SOA, TXT");
  } else {
    check.query_name = words[0].text;
    check.query_type = words[1].text;
  }
  check.expect_rcode = reader.choice("expect_rcode");
  check.expect_answer = reader.text("expect_answer");
}

void read_word(const SectionReader& reader, std::string_view key, std::string& out, Report& report) {
  out = reader.text(key);
  if (out.size() > kMaxLogin || has_control(out, true)) {
    report.error(reader.value(key)->place, fmt::format("{}: must be one word of at most {} bytes", key, kMaxLogin));
  }
}

void read_script(const SectionReader& reader, CheckConfig& check, Report& report) {
  read_word(reader, "user", check.user, report);
  check.weight_from_exit = reader.boolean("weight_from_exit");
  if (const auto command = reader.value("command")) {
    check.command = read_command("command", *command, report);
  } else {
    report.error(reader.section().place, fmt::format("{} has no command", reader.section().title()));
  }
}

// Keys that mean something to some types only. One with another type: most likely `type` is wrong.
struct KeyUse {
  std::string_view key;
  std::string_view types;  // as the operator reads them
};
constexpr std::string_view kHttps = "http or https", kTls = "https, tls or smtp";
constexpr KeyUse kUses[] = {{"method", kHttps},
                            {"path", kHttps},
                            {"header", kHttps},
                            {"expect_body", kHttps},
                            {"expect_body_regex", kHttps},
                            {"expect_status", "http, https or sip"},
                            {"host", "http, https, tls, smtp or sip"},
                            {"tls_verify", kTls},
                            {"tls_ca_file", kTls},
                            {"tls_min_days", kTls},
                            {"tls_warn_days", kTls},
                            {"send", "tcp or tls"},
                            {"expect", "tcp, tls or udp"},
                            {"expect_regex", "tcp, tls or udp"},
                            {"payload", "udp"},
                            {"require_reply", "udp"},
                            {"query", "dns"},
                            {"expect_rcode", "dns"},
                            {"expect_answer", "dns"},
                            {"helo", "smtp"},
                            {"starttls", "smtp"},
                            {"login", "mysql or pgsql"},
                            {"database", "pgsql"},
                            {"command", "script"},
                            {"user", "script"},
                            {"weight_from_exit", "script"}};

bool is_among(std::string_view word, std::string_view types) {
  const auto at = types.find(word);
  if (at == std::string_view::npos) return false;
  const auto rest = types.substr(at + word.size());
  const bool ends = rest.empty() || rest.front() == ',' || rest.front() == ' ';
  const bool begins = at == 0 || types[at - 1] == ' ';
  return (begins && ends) || (!rest.empty() && is_among(word, rest));
}

void refuse_other_keys(const SectionReader& reader, std::string_view type, Report& report) {
  for (const auto& use : kUses) {
    const auto* item = reader.own_item(use.key);
    if (!item || is_among(type, use.types)) continue;
    report.error(item->key_place, fmt::format("\"{}\" has no meaning in {}", use.key, reader.section().title()),
                 fmt::format("it is for type = {}", use.types));
  }
}

void read_type(const SectionReader& reader, CheckConfig& check, Report& report) {
  const auto word = reader.choice("type");
  if (word.empty()) return;  // wrong, reported, and what goes with it is unknown
  check.type = healthcheck::check_type(word).value_or(CheckType::Tcp);
  refuse_other_keys(reader, word, report);
  const auto takes = [&](std::string_view key) {
    const auto* use = std::find_if(std::begin(kUses), std::end(kUses), [&](const KeyUse& u) { return u.key == key; });
    return is_among(word, use->types);
  };
  if (takes("method")) read_http(reader, check, report);
  if (takes("host")) read_host(reader, check, report);
  if (takes("tls_verify")) read_tls(reader, check, report);
  if (takes("expect")) read_talk(reader, check, report);
  if (takes("query")) read_dns(reader, check, report);
  if (takes("login")) read_word(reader, "login", check.login, report);
  if (takes("database")) read_word(reader, "database", check.database, report);
  if (takes("command")) read_script(reader, check, report);
  if (check.type == CheckType::Sip) read_status(reader, check, report);
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
  CheckPlan plan{&section, {}, 0, 0};
  auto& check = plan.check;
  check.name = section.name;
  read_type(reader, check, build.report);
  check.interval = reader.time("interval");
  check.timeout = reader.time("timeout");
  check.rise = static_cast<unsigned>(reader.integer("rise"));
  check.fall = static_cast<unsigned>(reader.integer("fall"));
  plan.port = static_cast<std::uint16_t>(reader.integer("port"));
  check.down_interval = reader.time("down_interval");
  check.fast_interval = reader.time("fast_interval");
  check.start_delay = reader.time("start_delay");
  check_rhythm(reader, check, build.report);
  return plan;
}

// A text that is equal exactly when everything but the name is.
std::string question_of(CheckConfig check) {
  std::string out = fmt::format("{} {} {} {} {} {} {} {:?} {:?} {:?} {:?}", static_cast<int>(check.type),
                                check.interval.count(), check.timeout.count(), check.rise, check.fall, check.tls_verify,
                                check.method, check.path, check.host, check.expect_body, check.tls_ca_file);
  out += fmt::format(" {} {} {} {} {} {} {} {}", check.down_interval.count(), check.fast_interval.count(),
                     check.start_delay.count(), check.tls_min_days, check.tls_warn_days, check.require_reply,
                     check.starttls, check.expect_rcode);
  for (const auto& text : {check.expect_body_regex, check.send, check.expect, check.expect_regex, check.query_name,
                           check.query_type, check.expect_answer, check.helo, check.login, check.database, check.user})
    out += fmt::format(" {:?}", text);
  for (const auto& argument : check.command) out += fmt::format(" a{:?}", argument);
  out += fmt::format(" {}", check.weight_from_exit);
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

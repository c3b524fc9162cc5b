// [check]: questions to real servers.
#include <algorithm>
#include <charconv>
#include <initializer_list>

#include <fmt/format.h>

#include "daemon/config/validate.hpp"

namespace lvsd::daemon {
namespace {

using healthcheck::CheckConfig;
using healthcheck::CheckType;
using healthcheck::StatusRange;

constexpr std::size_t kMaxStatusRanges = 32;
constexpr std::size_t kMaxHeaders = 32;

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

void read_http(const SectionReader& reader, CheckConfig& check, Report& report) {
  check.method = reader.choice("method");
  check.path = reader.text("path");
  if (!check.path.starts_with('/') || has_control(check.path, true)) {
    report.error(reader.value("path")->place,
                 fmt::format("path = {}: must begin with \"/\" and have no blanks", check.path));
  }
  check.host = reader.text("host");
  if (const auto host = reader.value("host");
      host && (has_control(host->text, true) || host->text.find('/') != std::string_view::npos)) {
    report.error(host->place, fmt::format("host = {}: is not a host name", host->text),
                 "a name without scheme, path and blanks");
  }
  read_headers(reader, check, report);
  read_status(reader, check, report);
  check.expect_body = reader.text("expect_body");
  if (check.method == "HEAD" && !check.expect_body.empty()) {
    report.error(reader.value("expect_body")->place, "an answer to HEAD has no body to expect anything in");
  }
}

// A key that another type of check would need: most likely `type` is wrong.
void refuse_keys(const SectionReader& reader, std::initializer_list<std::string_view> keys, std::string_view why,
                 Report& report) {
  for (const auto key : keys) {
    if (const auto* item = reader.own_item(key)) {
      report.error(item->key_place, fmt::format("\"{}\" has no meaning in {}", key, reader.section().title()),
                   std::string{why});
    }
  }
}

void read_type(const SectionReader& reader, CheckConfig& check, Report& report) {
  const auto type = reader.choice("type");
  check.type = type == "https" ? CheckType::Https : type == "http" ? CheckType::Http : CheckType::Tcp;
  if (type.empty()) return;  // wrong, reported, and what goes with it is unknown
  if (check.type == CheckType::Tcp) {
    refuse_keys(reader, {"method", "path", "host", "header", "expect_status", "expect_body"},
                "it is for type = http or https", report);
  } else {
    read_http(reader, check, report);
  }
  if (check.type != CheckType::Https) {
    return refuse_keys(reader, {"tls_verify", "tls_ca_file"}, "it is for type = https", report);
  }
  check.tls_verify = reader.boolean("tls_verify");
  check.tls_ca_file = reader.text("tls_ca_file");
  if (const auto file = reader.value("tls_ca_file"); file && !file->text.starts_with('/')) {
    report.error(file->place, fmt::format("tls_ca_file = {}: must be an absolute path", file->text));
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
  if (check.timeout > check.interval) {
    const auto written = reader.has("timeout") ? "timeout" : "interval";
    build.report.error(reader.value(written)->place,
                       fmt::format("{}: timeout {} is longer than interval {}", section.title(),
                                   base::format_duration(check.timeout), base::format_duration(check.interval)),
                       "a check must end before the next one begins");
  }
  return plan;
}

// A text that is equal exactly when everything but the name is.
std::string question_of(CheckConfig check) {
  std::string out = fmt::format("{} {} {} {} {} {} {} {:?} {:?} {:?} {:?}", static_cast<int>(check.type),
                                check.interval.count(), check.timeout.count(), check.rise, check.fall, check.tls_verify,
                                check.method, check.path, check.host, check.expect_body, check.tls_ca_file);
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

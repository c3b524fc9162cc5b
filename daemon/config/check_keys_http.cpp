// [check] of http and https: the request, what is expected of the reply, and TLS.
#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "daemon/config/check_keys.hpp"
#include "healthcheck/body_digest.hpp"

namespace lvsd::daemon {
namespace {

using healthcheck::CheckConfig;
using healthcheck::StatusRange;

constexpr std::size_t kMaxStatusRanges = 32;
constexpr std::size_t kMaxHeaders = 32;
constexpr std::size_t kMaxPages = 16;

bool is_http_token(std::string_view text) {  // RFC 9110 §5.6.2
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           marks.find(c) != std::string_view::npos;
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

void read_digest(const Value& value, std::string_view text, std::string& digest, Report& report) {
  digest = text;
  std::transform(digest.begin(), digest.end(), digest.begin(),
                 [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c; });
  if (!healthcheck::is_digest(digest))
    report.error(value.place, fmt::format("\"{}\" is not a digest", text), "64 hex digits of SHA-256, or 32 of MD5");
}

void read_pages(const SectionReader& reader, CheckConfig& check, Report& report) {
  for (const auto& value : reader.values("url")) {
    const auto words = split_words(value);
    healthcheck::PageConfig page;
    if (!words.empty()) page.path = words[0].text;
    if (!page.path.starts_with('/') || has_control(page.path, true))
      report.error(value.place, fmt::format("url = {}: must begin with a path", value.text),
                   "url = /path [digest=HEX]");
    for (std::size_t i = 1; i < words.size(); ++i) {
      const auto option = split_option(words[i]);
      if (option && option->key.text == "digest") {
        read_digest(words[i], option->value.text, page.digest, report);
      } else {
        report.error(words[i].place, fmt::format("url: unknown option \"{}\"", words[i].text),
                     "url = /path [digest=HEX]");
      }
    }
    if (check.pages.size() == kMaxPages) return report.error(value.place, fmt::format("more than {} pages", kMaxPages));
    check.pages.push_back(std::move(page));
  }
  if (const auto* path = reader.own_item("path"); path && !check.pages.empty())
    report.error(path->key_place, "path and url do not go together", "write the path as one more url");
}

healthcheck::HttpVersion http_version(std::string_view word) {
  using healthcheck::HttpVersion;
  return word == "1.0" ? HttpVersion::V1_0 : word == "2" ? HttpVersion::V2 : HttpVersion::V1_1;
}

}  // namespace

void read_http_status(const SectionReader& reader, CheckConfig& check, Report& report) {
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

void read_host(const SectionReader& reader, CheckConfig& check, Report& report) {
  check.host = reader.text("host");
  if (const auto host = reader.value("host");
      host && (has_control(host->text, true) || host->text.find('/') != std::string_view::npos)) {
    report.error(host->place, fmt::format("host = {}: is not a host name", host->text),
                 "a name without scheme, path and blanks");
  }
}

void read_http(const SectionReader& reader, CheckConfig& check, Report& report) {
  check.method = reader.choice("method");
  check.http_version = http_version(reader.choice("http_version"));
  read_path(reader, check, report);
  read_pages(reader, check, report);
  if (const auto digest = reader.value("expect_body_digest"))
    read_digest(*digest, digest->text, check.expect_body_digest, report);
  read_headers(reader, check, report);
  read_http_status(reader, check, report);
  check.expect_body = reader.text("expect_body");
  read_pattern(reader, "expect_body_regex", check.expect_body_regex, report);
  for (const auto key : {"expect_body", "expect_body_regex", "expect_body_digest"}) {
    if (check.method == "HEAD" && !reader.text(key).empty())
      report.error(reader.value(key)->place, "an answer to HEAD has no body to expect anything in");
  }
}

void read_tls(const SectionReader& reader, CheckConfig& check, Report& report) {
  check.tls_verify = reader.boolean("tls_verify");
  check.tls_ca_file = reader.text("tls_ca_file");
  check.tls_min_days = static_cast<unsigned>(reader.integer("tls_min_days"));
  check.tls_warn_days = static_cast<unsigned>(reader.integer("tls_warn_days"));
  check.tls_server_name = reader.text("tls_server_name");
  check.tls_certificate_file = reader.text("tls_certificate_file");
  check.tls_key_file = reader.text("tls_key_file");
  if (const auto name = reader.value("tls_server_name");
      name && (has_control(name->text, true) || name->text.find('/') != std::string_view::npos))
    report.error(name->place, fmt::format("tls_server_name = {}: is not a host name", name->text));
  for (const auto key : {"tls_ca_file", "tls_certificate_file", "tls_key_file"}) read_absolute(reader, key, report);
  if (const auto* key = reader.own_item("tls_key_file"); key && check.tls_certificate_file.empty())
    report.error(key->key_place, "tls_key_file without tls_certificate_file");
}

}  // namespace lvsd::daemon

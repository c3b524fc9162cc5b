// [check] of the types that talk: bytes to send and to expect, a question to DNS, and the keys several types share.
#include <algorithm>

#include <fmt/format.h>

#include "daemon/config/check_keys.hpp"
#include "healthcheck/dns_message.hpp"
#include "healthcheck/escapes.hpp"
#include "healthcheck/pattern.hpp"

namespace lvsd::daemon {
namespace {

using healthcheck::CheckConfig;
using healthcheck::CheckType;

constexpr std::size_t kMaxLogin = 63;  // bytes; PostgreSQL's limit of names

void read_bytes(const SectionReader& reader, std::string_view key, std::string& bytes, Report& report) {
  auto resolved = healthcheck::unescape(reader.text(key));
  if (!resolved) return report.error(reader.value(key)->place, fmt::format("{}: {}", key, resolved.error().text));
  bytes = std::move(*resolved);
}

}  // namespace

bool has_control(std::string_view text, bool blank_too) {
  return std::any_of(text.begin(), text.end(), [&](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f || (blank_too && byte == ' ');
  });
}

void read_pattern(const SectionReader& reader, std::string_view key, std::string& pattern, Report& report) {
  pattern = reader.text(key);
  if (pattern.empty()) return;
  if (const auto good = healthcheck::check_pattern(pattern); !good) {
    report.error(reader.value(key)->place, fmt::format("{}: {}", key, good.error().text),
                 "the syntax is RE2's: no backreferences, no look-around");
  }
}

void read_absolute(const SectionReader& reader, std::string_view key, Report& report) {
  if (const auto file = reader.value(key); file && !file->text.starts_with('/'))
    report.error(file->place, fmt::format("{} = {}: must be an absolute path", key, file->text));
}

void read_word(const SectionReader& reader, std::string_view key, std::string& out, Report& report) {
  out = reader.text(key);
  if (out.size() > kMaxLogin || has_control(out, true)) {
    report.error(reader.value(key)->place, fmt::format("{}: must be one word of at most {} bytes", key, kMaxLogin));
  }
}

void read_talk(const SectionReader& reader, CheckConfig& check, Report& report) {
  read_bytes(reader, check.type == CheckType::Udp ? "payload" : "send", check.send, report);
  check.require_reply = reader.boolean("require_reply");
  if (check.type == CheckType::Agent) return;
  read_bytes(reader, "expect", check.expect, report);
  read_pattern(reader, "expect_regex", check.expect_regex, report);
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

}  // namespace lvsd::daemon

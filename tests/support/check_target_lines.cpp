#include "tests/support/check_target_lines.hpp"

#include <charconv>
#include <sstream>

#include "base/memfd.hpp"
#include "healthcheck/check_type.hpp"
#include "healthcheck/escapes.hpp"

namespace lvsd::testing {
namespace {

using healthcheck::CheckConfig;

base::Result<int> number(const std::string& text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return base::fail("not a number: " + text);
  return value;
}

base::Result<void> set_duration(base::Duration& target, const std::string& text) {
  const auto parsed = base::parse_duration(text);
  if (!parsed) return tl::unexpected{parsed.error()};
  target = *parsed;
  return {};
}

base::Result<void> set_count(unsigned& target, const std::string& text) {
  const auto parsed = number(text);
  if (!parsed) return tl::unexpected{parsed.error()};
  target = static_cast<unsigned>(*parsed);
  return {};
}

base::Result<void> set_status(CheckConfig& check, const std::string& text) {
  const auto dash = text.find('-');
  const auto first = number(text.substr(0, dash));
  const auto last = dash == std::string::npos ? first : number(text.substr(dash + 1));
  if (!first || !last) return base::fail("not a status range: " + text);
  check.expect_status = {{*first, *last}};
  return {};
}

base::Result<void> set_bytes(std::string& target, const std::string& text) {
  auto bytes = healthcheck::unescape(text);
  if (!bytes) return tl::unexpected{bytes.error()};
  target = std::move(*bytes);
  return {};
}

// "example.com/A"
void set_query(CheckConfig& check, const std::string& text) {
  const auto slash = text.find('/');
  check.query_name = text.substr(0, slash);
  if (slash != std::string::npos) check.query_type = text.substr(slash + 1);
}

// Keys of the checks that are not http.
base::Result<void> set_other(CheckConfig& check, const std::string& key, const std::string& value) {
  if (key == "send") return set_bytes(check.send, value);
  if (key == "expect") return set_bytes(check.expect, value);
  if (key == "min_days") return set_count(check.tls_min_days, value);
  if (key == "warn_days") return set_count(check.tls_warn_days, value);
  if (key == "regex") check.expect_regex = value;
  if (key == "body_regex") check.expect_body_regex = value;
  if (key == "require_reply") check.require_reply = value != "no";
  if (key == "query") set_query(check, value);
  if (key == "rcode") check.expect_rcode = value;
  if (key == "answer") check.expect_answer = value;
  if (key == "helo") check.helo = value;
  if (key == "starttls") check.starttls = value != "no";
  if (key == "login") check.login = value;
  if (key == "database") check.database = value;
  if (key == "mark") return set_count(check.mark, value);
  return {};
}

base::Result<void> set(healthcheck::Target& target, const std::string& key, const std::string& value) {
  CheckConfig& check = target.check;
  if (key == "interval") return set_duration(check.interval, value);
  if (key == "timeout") return set_duration(check.timeout, value);
  if (key == "rise") return set_count(check.rise, value);
  if (key == "fall") return set_count(check.fall, value);
  if (key == "status") return set_status(check, value);
  if (key == "id") target.id = value;
  if (key == "path") check.path = value;
  if (key == "host") check.host = value;
  if (key == "method") check.method = value;
  if (key == "body") check.expect_body = value;
  if (key == "ca") check.tls_ca_file = value;
  if (key == "verify") check.tls_verify = value != "no";
  return set_other(check, key, value);
}

}  // namespace

base::Result<healthcheck::Target> parse_target_line(std::string_view line) {
  std::istringstream words{std::string{line}};
  std::string type, endpoint, word;
  words >> type >> endpoint;
  healthcheck::Target target;
  target.check.name = type;
  const auto known = healthcheck::check_type(type);
  if (!known) return base::fail("not a type of check: " + type);
  target.check.type = *known;
  const auto parsed = base::Endpoint::parse(endpoint);
  if (!parsed) return tl::unexpected{parsed.error()};
  target.endpoint = *parsed;
  target.id = type + "@" + endpoint;
  while (words >> word) {
    const auto equals = word.find('=');
    if (equals == std::string::npos) return base::fail("not key=value: " + word);
    if (auto done = set(target, word.substr(0, equals), word.substr(equals + 1)); !done)
      return tl::unexpected{done.error()};
  }
  return target;
}

base::Result<healthcheck::Config> parse_target_lines(std::string_view text) {
  healthcheck::Config config;
  std::istringstream lines{std::string{text}};
  for (std::string line; std::getline(lines, line);) {
    if (line.empty()) continue;
    auto target = parse_target_line(line);
    if (!target) return tl::unexpected{target.error()};
    config.targets.push_back(std::move(*target));
  }
  return config;
}

base::Result<healthcheck::Config> read_target_lines(int config_fd) {
  return base::read_sealed_memfd(config_fd).and_then([](const std::string& text) { return parse_target_lines(text); });
}

}  // namespace lvsd::testing

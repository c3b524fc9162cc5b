#include "tests/support/check_target_lines.hpp"

#include <charconv>
#include <sstream>

#include "base/memfd.hpp"

namespace lvsd::testing {
namespace {

using healthcheck::CheckConfig;
using healthcheck::CheckType;

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
  return {};
}

}  // namespace

base::Result<healthcheck::Target> parse_target_line(std::string_view line) {
  std::istringstream words{std::string{line}};
  std::string type, endpoint, word;
  words >> type >> endpoint;
  healthcheck::Target target;
  target.check.name = type;
  target.check.type = type == "https" ? CheckType::Https : type == "http" ? CheckType::Http : CheckType::Tcp;
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

#include "healthcheck/validate.hpp"

#include <algorithm>
#include <string_view>
#include <unordered_set>

#include <fmt/format.h>

#include "healthcheck/body_digest.hpp"
#include "healthcheck/check_type.hpp"
#include "healthcheck/dns_message.hpp"
#include "healthcheck/pattern.hpp"

namespace lvsd::healthcheck {
namespace {

using namespace std::chrono_literals;

constexpr base::Duration kShortest = 1ms;

// A line break inside a header or path would make a second one of it.
bool one_line(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; });
}

bool one_word(std::string_view text) { return one_line(text) && text.find(' ') == std::string_view::npos; }

bool headers_ok(const CheckConfig& check) {
  return std::all_of(check.headers.begin(), check.headers.end(), [](const auto& header) {
    return !header.first.empty() && one_word(header.first) && header.first.find_first_of(":;") == std::string::npos &&
           one_line(header.second);
  });
}

bool ranges_ok(const CheckConfig& check) {
  return !check.expect_status.empty() &&
         std::all_of(check.expect_status.begin(), check.expect_status.end(),
                     [](const StatusRange& r) { return r.first >= 100 && r.first <= r.last && r.last <= 599; });
}

std::string_view http_fault_in(const CheckConfig& check) {
  if (check.method.empty() || !one_word(check.method)) return "method is not one word";
  if (!check.path.starts_with('/') || !one_word(check.path)) return "path does not begin with / or has blanks";
  if (!one_word(check.host) || check.host.find('/') != std::string::npos) return "host is not a host name";
  if (!std::all_of(check.pages.begin(), check.pages.end(), [](const PageConfig& page) {
        return page.path.starts_with('/') && one_word(page.path) && (page.digest.empty() || is_digest(page.digest));
      }))
    return "a page is malformed";
  if (!check.expect_body_digest.empty() && !is_digest(check.expect_body_digest)) return "a digest is malformed";
  if (!headers_ok(check)) return "a header is malformed";
  if (!ranges_ok(check)) return "expect_status is not within 100-599";
  return "";
}

bool rhythm_ok(const CheckConfig& check, base::Duration every) {
  return every.count() == 0 || (every >= kShortest && check.timeout <= every);
}

bool patterns_ok(const CheckConfig& check) {
  return check_pattern(check.expect_regex).has_value() && check_pattern(check.expect_body_regex).has_value();
}

// What goes on the wire of one of the protocols.
std::string_view wire_fault_in(const CheckConfig& check) {
  if (!one_word(check.helo) || !one_word(check.login) || !one_word(check.database)) return "a name is not one word";
  if (!one_word(check.host) || check.host.find('/') != std::string::npos) return "host is not a host name";
  if (!is_dns_name(check.query_name) || !dns_type(check.query_type)) return "query is not a DNS name and type";
  if (!dns_rcode(check.expect_rcode)) return "expect_rcode is unknown";
  return ranges_ok(check) ? "" : "expect_status is not within 100-599";
}

std::string_view script_fault_in(const CheckConfig& check) {
  return check.command.empty() || !check.command.front().starts_with('/') ? "command is no absolute path" : "";
}

// Of types that need no server: the director itself says it, a file on it, or a program.
std::string_view serverless_fault_in(const CheckConfig& check) {
  if (carrier(check.type) == Carrier::Script) return script_fault_in(check);
  if (check.type == CheckType::File && !check.file.starts_with('/')) return "file is no absolute path";
  if (check.type == CheckType::Process && check.process.empty()) return "process has no name";
  return "";
}

std::string_view fault_in(const Target& target) {
  const CheckConfig& check = target.check;
  if (target.id.empty()) return "has no id";
  const auto by = carrier(check.type);
  const bool serverless = by == Carrier::Local || by == Carrier::File || by == Carrier::Script;
  const bool has_port = target.endpoint.port != 0 || by == Carrier::Echo;
  if (!serverless && !has_port) return "has no port";
  if (!serverless && (target.endpoint.address.is_unspecified() || target.endpoint.address.is_multicast()))
    return "is not a server's address";
  if (check.timeout < kShortest || check.timeout > check.interval) return "timeout is not within 1ms and the interval";
  if (check.rise == 0 || check.fall == 0) return "rise and fall must be at least 1";
  if (!rhythm_ok(check, check.down_interval) || !rhythm_ok(check, check.fast_interval))
    return "timeout is longer than down_interval or fast_interval";
  if (check.start_delay.count() < 0) return "start_delay is negative";
  if (!patterns_ok(check)) return "a regular expression is malformed";
  if (serverless) return serverless_fault_in(check);
  return by == Carrier::Http ? http_fault_in(check) : wire_fault_in(check);
}

}  // namespace

base::Result<void> validate(const Config& config) {
  std::unordered_set<std::string_view> ids;
  for (const auto& target : config.targets) {
    if (const auto fault = fault_in(target); !fault.empty())
      return base::fail(fmt::format("check target {}: {}", target.id, fault));
    if (!ids.insert(target.id).second) return base::fail(fmt::format("check target {} stands twice", target.id));
  }
  return {};
}

}  // namespace lvsd::healthcheck

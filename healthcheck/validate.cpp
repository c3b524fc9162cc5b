#include "healthcheck/validate.hpp"

#include <algorithm>
#include <string_view>
#include <unordered_set>

#include <fmt/format.h>

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
  if (!headers_ok(check)) return "a header is malformed";
  if (!ranges_ok(check)) return "expect_status is not within 100-599";
  return "";
}

std::string_view fault_in(const Target& target) {
  const CheckConfig& check = target.check;
  if (target.id.empty()) return "has no id";
  if (target.endpoint.port == 0) return "has no port";
  if (target.endpoint.address.is_unspecified() || target.endpoint.address.is_multicast())
    return "is not a server's address";
  if (check.timeout < kShortest || check.timeout > check.interval) return "timeout is not within 1ms and the interval";
  if (check.rise == 0 || check.fall == 0) return "rise and fall must be at least 1";
  return check.type == CheckType::Tcp ? "" : http_fault_in(check);
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

#include "healthcheck/certificate.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace lvsd::healthcheck {
namespace {

constexpr std::int64_t kDay = 86'400'000;  // ms

std::string days_words(std::int64_t days) { return fmt::format("{} day{}", days, days == 1 ? "" : "s"); }

}  // namespace

CheckResult with_certificate(CheckResult result, const CheckConfig& check, std::int64_t expires_unix_ms,
                             std::int64_t now_unix_ms) {
  result.certificate_expires_unix_ms = expires_unix_ms;
  if (expires_unix_ms == 0 || !result.passed()) return result;
  const auto left = expires_unix_ms - now_unix_ms;
  const std::string words = left < 0 ? "certificate has expired" : "certificate expires in " + days_words(left / kDay);
  if (check.tls_min_days > 0 && left < std::int64_t{check.tls_min_days} * kDay) {
    result.reason = Reason::Tls;
    result.text = fmt::format("{}, {} required", words, days_words(check.tls_min_days));
  } else if (left < std::int64_t{check.tls_warn_days} * kDay) {
    result.text += ", " + words;
  }
  return result;
}

}  // namespace lvsd::healthcheck

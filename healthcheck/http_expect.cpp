#include "healthcheck/http_expect.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "healthcheck/grpc_health.hpp"
#include "healthcheck/pattern.hpp"

namespace lvsd::healthcheck {
namespace {

std::string body_words(const HttpReply& reply) {
  const std::string shown = excerpt(reply.body);
  return shown.empty() ? ", empty body" : fmt::format(", body \"{}\"", shown);
}

std::string redirect_words(const HttpReply& reply) {
  return reply.redirect.empty() ? "" : fmt::format(", redirects to \"{}\" (not followed)", excerpt(reply.redirect));
}

}  // namespace

bool status_expected(int status, const CheckConfig& check) {
  return std::any_of(check.expect_status.begin(), check.expect_status.end(),
                     [status](const StatusRange& range) { return status >= range.first && status <= range.last; });
}

std::string expected_words(const std::vector<StatusRange>& ranges) {
  std::string words;
  for (const auto& range : ranges) {
    if (!words.empty()) words += ", ";
    words += range.first == range.last ? fmt::format("{}", range.first) : fmt::format("{}-{}", range.first, range.last);
  }
  return words;
}

CheckResult judge(const HttpReply& reply, const CheckConfig& check, std::string_view url, base::Duration latency,
                  std::string_view digest) {
  // RFC 9110 §15: a status outside 100..599 is invalid.
  if (reply.status < 100 || reply.status > 599) {
    return {Reason::Protocol, fmt::format("invalid HTTP status {} from {}", reply.status, url), latency};
  }
  if (!status_expected(reply.status, check)) {
    return {Reason::Status,
            fmt::format("HTTP {} from {}, expected {}{}{}", reply.status, url, expected_words(check.expect_status),
                        redirect_words(reply), body_words(reply)),
            latency};
  }
  if (!check.expect_body.empty() && reply.body.find(check.expect_body) == std::string::npos) {
    const std::string where = reply.body_is_cut ? fmt::format(" in the first {} KiB", kBodyLimit >> 10) : "";
    return {Reason::Body,
            fmt::format("HTTP {} from {}, but \"{}\" is not in the body{}{}", reply.status, url,
                        excerpt(check.expect_body), where, body_words(reply)),
            latency};
  }
  if (!check.expect_body_regex.empty() && !Pattern{check.expect_body_regex}.matches(reply.body)) {
    const std::string where = reply.body_is_cut ? fmt::format(" in its first {} KiB", kBodyLimit >> 10) : "";
    return {Reason::Body,
            fmt::format("HTTP {} from {}, but the body does not match {}{}{}", reply.status, url,
                        check.expect_body_regex, where, body_words(reply)),
            latency};
  }
  if (!digest.empty() && reply.digest != digest) {
    return {Reason::Body,
            fmt::format("HTTP {} from {}, but the body's digest is {}{}", reply.status, url,
                        reply.digest.empty() ? "not to be had" : reply.digest, body_words(reply)),
            latency};
  }
  if (check.type == CheckType::Grpc) {
    auto fault = grpc_health_verdict(reply.body, reply.grpc_status, reply.grpc_message, check.service);
    if (fault.reason == Reason::Ok) fault.text += " in " + latency_words(latency);
    return {fault.reason, std::move(fault.text), latency};
  }
  return {Reason::Ok, fmt::format("{} in {}", reply.status, latency_words(latency)), latency};
}

}  // namespace lvsd::healthcheck

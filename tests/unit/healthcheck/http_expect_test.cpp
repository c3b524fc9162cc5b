#include "healthcheck/http_expect.hpp"

#include <gtest/gtest.h>

namespace lvsd::healthcheck {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kUrl = "http://10.0.0.12/healthz";

HttpReply reply(int status, std::string body = "", bool is_cut = false, std::string redirect = "") {
  return {status, std::move(body), is_cut, std::move(redirect)};
}

CheckResult judged(const HttpReply& reply, const CheckConfig& check) { return judge(reply, check, kUrl, 3ms); }

TEST(Judge, PassesAnExpectedStatusAndSaysHowLongItTook) {
  const auto result = judged(reply(204), {});
  EXPECT_TRUE(result.passed());
  EXPECT_EQ(result.text, "204 in 3 ms");
}

TEST(Judge, TellsAnUnexpectedStatusWithTheBodysFirstBytes) {
  const auto result = judged(reply(503, "db: connection refused\n"), {});
  EXPECT_EQ(result.reason, Reason::Status);
  EXPECT_EQ(result.text, "HTTP 503 from http://10.0.0.12/healthz, expected 200-299, body \"db: connection refused\"");
}

TEST(Judge, TellsWhereARedirectPoints) {
  const auto result = judged(reply(302, "", false, "http://elsewhere/"), {});
  EXPECT_EQ(result.text,
            "HTTP 302 from http://10.0.0.12/healthz, expected 200-299, redirects to \"http://elsewhere/\" (not "
            "followed), empty body");
}

TEST(Judge, TakesStatusRangesWithBothEnds) {
  CheckConfig check;
  check.expect_status = {{200, 204}, {301, 301}};
  for (const int status : {200, 204, 301}) EXPECT_TRUE(judged(reply(status), check).passed()) << status;
  for (const int status : {199, 205, 300, 302}) EXPECT_FALSE(judged(reply(status), check).passed()) << status;
  EXPECT_EQ(expected_words(check.expect_status), "200-204, 301");
}

TEST(Judge, RefusesAStatusThatHttpDoesNotHave) {
  CheckConfig check;
  check.expect_status = {{0, 999}};
  for (const int status : {0, 99, 600, 999}) EXPECT_EQ(judged(reply(status), check).reason, Reason::Protocol) << status;
}

TEST(Judge, WantsTheExpectedTextInTheBody) {
  CheckConfig check;
  check.expect_body = "ready";
  EXPECT_TRUE(judged(reply(200, "all ready."), check).passed());
  const auto result = judged(reply(200, "starting"), check);
  EXPECT_EQ(result.reason, Reason::Body);
  EXPECT_EQ(result.text, "HTTP 200 from http://10.0.0.12/healthz, but \"ready\" is not in the body, body \"starting\"");
  const auto cut = judged(reply(200, "starting", true), check);
  EXPECT_NE(cut.text.find("not in the body in the first 48 KiB"), std::string::npos);
}

TEST(Judge, WantsTheBodyToMatchTheExpression) {
  CheckConfig check;
  check.expect_body_regex = R"re(^\s*\{"status": *"(ok|warn)")re";
  EXPECT_TRUE(judged(reply(200, "{\"status\": \"warn\"}"), check).passed());
  const auto result = judged(reply(200, "{}"), check);
  EXPECT_EQ(result.reason, Reason::Body);
  EXPECT_NE(result.text.find("the body does not match ^\\s*"), std::string::npos) << result.text;
}

}  // namespace
}  // namespace lvsd::healthcheck

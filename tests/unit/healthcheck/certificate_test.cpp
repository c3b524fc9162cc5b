#include "healthcheck/certificate.hpp"

#include <gtest/gtest.h>

namespace lvsd::healthcheck {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kNow = 1'700'000'000'000;
constexpr std::int64_t kDay = 86'400'000;

CheckResult after(std::int64_t left_ms, unsigned min_days, unsigned warn_days, Reason reason = Reason::Ok) {
  CheckConfig check;
  check.tls_min_days = min_days;
  check.tls_warn_days = warn_days;
  return with_certificate({reason, "200 in 3 ms", 3ms}, check, kNow + left_ms, kNow);
}

TEST(Certificate, IsQuietWhileItLastsLonger) {
  const auto result = after(15 * kDay, 0, 14);
  EXPECT_EQ(result.text, "200 in 3 ms");
  EXPECT_EQ(result.certificate_expires_unix_ms, kNow + 15 * kDay);
}

TEST(Certificate, IsSaidBeforeItEnds) {
  EXPECT_EQ(after(13 * kDay, 0, 14).text, "200 in 3 ms, certificate expires in 13 days");
  EXPECT_EQ(after(kDay + 1, 0, 14).text, "200 in 3 ms, certificate expires in 1 day");
  EXPECT_TRUE(after(kDay, 0, 14).passed());
  EXPECT_EQ(after(kDay, 0, 0).text, "200 in 3 ms");
}

TEST(Certificate, FailsWhereMoreDaysAreRequired) {
  const auto result = after(5 * kDay, 7, 14);
  EXPECT_EQ(result.reason, Reason::Tls);
  EXPECT_EQ(result.text, "certificate expires in 5 days, 7 days required");
}

TEST(Certificate, LeavesAFailureAndAnUnseenCertificateAlone) {
  EXPECT_EQ(after(-kDay, 7, 14, Reason::Status).text, "200 in 3 ms");
  EXPECT_EQ(after(-kNow, 7, 14).text, "200 in 3 ms");
}

// With tls_verify = no an expired certificate passes, but not in silence.
TEST(Certificate, SaysThatItHasExpired) { EXPECT_EQ(after(-kDay, 0, 14).text, "200 in 3 ms, certificate has expired"); }

}  // namespace
}  // namespace lvsd::healthcheck

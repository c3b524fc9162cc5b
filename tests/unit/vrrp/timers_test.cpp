#include "vrrp/timers.hpp"

#include <gtest/gtest.h>

namespace lvsd::vrrp {
namespace {

using namespace std::chrono_literals;

// RFC 9568 §6.1; the values of the table in its examples at 1 s, 100 ms and 10 ms.
static_assert(skew_time(100, 1s) == 609375us);
static_assert(skew_time(255, 1s) == 3906250ns);
static_assert(skew_time(1, 1s) == 996093750ns);
static_assert(master_down_interval(100, 1s) == 3609375us);
static_assert(master_down_interval(100, 100ms) == 360937500ns);
static_assert(master_down_interval(254, 10ms) == 30078125ns);

TEST(SkewTime, IsShorterForTheBetterBackupAndNeverAnInterval) {
  for (int priority = 1; priority < 255; ++priority) {
    const auto worse = static_cast<std::uint8_t>(priority);
    const auto better = static_cast<std::uint8_t>(priority + 1);
    EXPECT_GT(skew_time(worse, 10ms), skew_time(better, 10ms)) << priority;
    EXPECT_LT(skew_time(worse, 10ms), 10ms) << priority;
  }
}

TEST(SkewTime, OfVersion2IsAPartOfASecond) {  // RFC 3768 §6.1
  EXPECT_EQ(skew_time(100, 5s, 2), 609'375us);
  EXPECT_EQ(skew_time(100, 5s, 3), 5 * 609'375us);
  EXPECT_EQ(master_down_interval(100, 5s, 2), 15s + 609'375us);
}

TEST(AddressLease, EndsBeforeAnyPeerTakesOverWhereASecondIsFineEnough) {
  for (const base::Duration interval : {400ms, 1000ms, 1500ms, 10000ms, 40950ms}) {
    EXPECT_LE(address_lease(interval), least_peer_patience(interval)) << base::format_duration(interval);
    EXPECT_GT(address_lease(interval), interval) << base::format_duration(interval);
  }
}

// Nobody else can be master already when a mastership is resumed.
TEST(ResumeLimit, IsAnIntervalLessThanAnyPeersPatience) {
  for (const auto interval : {10ms, 1000ms, 4000ms})
    EXPECT_LE(resume_limit(interval) + interval, least_peer_patience(interval));
}

TEST(AddressLease, IsNeverUnderTheKernelsSecond) {
  EXPECT_EQ(address_lease(10ms), 1s);
  EXPECT_EQ(address_lease(100ms), 1s);
  EXPECT_EQ(address_lease(1s), 3s);
  EXPECT_EQ(address_lease(1500ms), 4s);
}

}  // namespace
}  // namespace lvsd::vrrp

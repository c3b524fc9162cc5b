#include "daemon/back_off.hpp"

#include <gtest/gtest.h>

namespace lvsd::daemon {
namespace {

using namespace std::chrono_literals;

TEST(BackOff, AnswersTheFirstDeathAtOnceAndFurtherOnesEverMoreSlowly) {
  BackOff back_off;
  const std::vector<base::Duration> expected{0ms, 100ms, 200ms, 400ms, 800ms, 1600ms, 3200ms, 5s, 5s};

  for (const auto wait : expected) EXPECT_EQ(back_off.after_death(10ms), wait);
}

TEST(BackOff, ForgetsEarlierDeathsAfterAHealthyLife) {
  BackOff back_off;
  for (int i = 0; i < 5; ++i) back_off.after_death(1s);

  EXPECT_EQ(back_off.after_death(10s), 0ms);
  EXPECT_EQ(back_off.deaths(), 1U);
  EXPECT_EQ(back_off.after_death(9999ms), 100ms);
}

TEST(BackOff, StaysAtItsLimitForever) {
  BackOff back_off;
  for (int i = 0; i < 10000; ++i) ASSERT_LE(back_off.after_death(0ms), BackOff::kMost);
}

}  // namespace
}  // namespace lvsd::daemon

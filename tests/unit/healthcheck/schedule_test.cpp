#include "healthcheck/schedule.hpp"

#include <set>
#include <string>

#include <gtest/gtest.h>

namespace lvsd::healthcheck {
namespace {

using namespace std::chrono_literals;

const base::TimePoint kOrigin{std::chrono::hours{1}};

TEST(Schedule, SpreadsTheFirstChecksOverAnIntervalButNoMoreThanASecond) {
  struct Case {
    base::Duration interval, spread;
  };
  for (const auto& c : {Case{200ms, 200ms}, Case{1s, 1s}, Case{60s, 1s}}) {
    std::set<std::int64_t> tenths;
    for (int i = 0; i < 500; ++i) {
      const auto wait = Schedule{kOrigin, c.interval, seed_of("server" + std::to_string(i))}.due() - kOrigin;
      EXPECT_GE(wait, 0s);
      EXPECT_LT(wait, c.spread);
      tenths.insert(10 * wait / c.spread);
    }
    EXPECT_EQ(tenths.size(), 10u) << "some tenth of the spread stays empty";
  }
}

TEST(Schedule, IsTheSameForTheSameSeed) {
  Schedule a{kOrigin, 2s, seed_of("x")};
  Schedule b{kOrigin, 2s, seed_of("x")};
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(a.due(), b.due());
    a.start(a.due());
    b.start(b.due());
  }
}

TEST(Schedule, NeverDriftsAndJittersByAtMostATwentieth) {
  for (const auto lateness : {0ms, 40ms}) {
    Schedule schedule{kOrigin, 1s, seed_of("x")};
    const auto first = schedule.due();
    bool jittered = false;
    for (int i = 1; i <= 1000; ++i) {
      schedule.start(schedule.due() + lateness);
      const auto off = schedule.due() - (first + i * 1s);
      EXPECT_LE(off, 50ms) << i;
      EXPECT_GE(off, -50ms) << i;
      jittered = jittered || off > 25ms || off < -25ms;
    }
    EXPECT_TRUE(jittered);
    EXPECT_EQ(schedule.late_starts(), 0u);
  }
}

TEST(Schedule, CountsLateStartsAndDoesNotMakeUpForMissedOnes) {
  Schedule schedule{kOrigin, 1s, seed_of("x")};
  const auto first = schedule.due();
  schedule.start(first + 7300ms);
  EXPECT_EQ(schedule.late_starts(), 1u);
  EXPECT_GE(schedule.due(), first + 7800ms);
  EXPECT_LE(schedule.due(), first + 9050ms);
  schedule.start(schedule.due());
  EXPECT_EQ(schedule.late_starts(), 1u);
}

TEST(Schedule, KeepsHalfAnIntervalBetweenTwoStartsWhateverTheLateness) {
  for (base::Duration lateness = 0ms; lateness < 5s; lateness += 13ms) {
    Schedule schedule{kOrigin, 1s, seed_of(std::to_string(lateness.count()))};
    const auto now = schedule.due() + lateness;
    schedule.start(now);
    EXPECT_GE(schedule.due() - now, 500ms);
    EXPECT_LE(schedule.due() - now, 1600ms);
  }
}

TEST(Schedule, ChangesItsRhythmFromTheLastStartOn) {
  for (const base::Duration interval : {200ms, 10000ms}) {
    Schedule schedule{kOrigin, 1s, seed_of("x")};
    const auto started = schedule.due();
    schedule.start(started);
    schedule.change_interval(interval, started + 50ms);
    EXPECT_GE(schedule.due(), started + interval - interval / 20);
    EXPECT_LE(schedule.due(), started + interval + interval / 20);
    const auto due = schedule.due();
    schedule.change_interval(interval, started + 60ms);
    EXPECT_EQ(schedule.due(), due) << "nothing changed";
  }
}

TEST(Schedule, IsNotDueInThePastAfterAChangeOfRhythm) {
  Schedule schedule{kOrigin, 10s, seed_of("x")};
  const auto started = schedule.due();
  schedule.start(started);
  schedule.change_interval(100ms, started + 5s);
  EXPECT_GE(schedule.due(), started + 5s);
  EXPECT_LE(schedule.due(), started + 5200ms);
}

}  // namespace
}  // namespace lvsd::healthcheck

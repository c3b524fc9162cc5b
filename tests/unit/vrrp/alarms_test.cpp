#include "vrrp/alarms.hpp"

#include <gmock/gmock.h>

namespace lvsd::vrrp {
namespace {

using namespace std::chrono_literals;
using testing::IsEmpty;
using testing::SizeIs;

const base::TimePoint kNow{1h};

TEST(Alarms, AreALineAMinuteAndCounted) {
  Alarms alarms;
  EXPECT_TRUE(alarms.raise(AlarmKind::peer_mismatch, "10.0.0.3 advertises every 2s, we every 1s", kNow, 1000));
  for (int i = 1; i < 60; ++i) EXPECT_FALSE(alarms.raise(AlarmKind::peer_mismatch, "again", kNow + i * 1s, 1000 + i));
  EXPECT_TRUE(alarms.raise(AlarmKind::peer_mismatch, "again", kNow + 60s, 2000));
  EXPECT_TRUE(alarms.raise(AlarmKind::two_owners, "another", kNow + 60s, 2000));
  const auto active = alarms.active(kNow + 61s);
  ASSERT_THAT(active, SizeIs(2));
  EXPECT_EQ(active[0].count, 61u);
  EXPECT_EQ(active[0].since_unix_ms, 1000);
  EXPECT_EQ(active[0].last_unix_ms, 2000);
}

TEST(Alarms, EndTwoMinutesAfterTheLastTime) {
  Alarms alarms;
  alarms.raise(AlarmKind::foreign_router, "10.0.0.9", kNow, 1000);
  EXPECT_THAT(alarms.active(kNow + 2min), SizeIs(1));
  EXPECT_THAT(alarms.active(kNow + 2min + 1s), IsEmpty());
  alarms.raise(AlarmKind::foreign_router, "10.0.0.9", kNow + 10min, 5000);
  EXPECT_EQ(alarms.active(kNow + 10min).at(0).since_unix_ms, 5000);  // a new one
}

TEST(RivalWatch, ForgivesWhatAnAnswerEnds) {
  RivalWatch rivals;
  EXPECT_FALSE(rivals.heard_lesser(kNow, 1s));
  EXPECT_FALSE(rivals.heard_lesser(kNow + 1s, 1s));
  EXPECT_FALSE(rivals.heard_lesser(kNow + 1min, 1s));  // another episode
}

TEST(RivalWatch, KnowsOneThatDoesNotHearUsAfterTwoIntervals) {
  RivalWatch rivals;
  rivals.heard_lesser(kNow, 1s);
  rivals.heard_lesser(kNow + 1s, 1s);
  EXPECT_TRUE(rivals.heard_lesser(kNow + 2s, 1s));
}

}  // namespace
}  // namespace lvsd::vrrp

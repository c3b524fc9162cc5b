#include "vrrp/interference.hpp"

#include <gtest/gtest.h>

namespace lvsd::vrrp {
namespace {

using namespace std::chrono_literals;

const base::TimePoint kNow{1h};

TEST(Interference, GivesUpWhenAnAddressIsRemovedTooOften) {
  Interference interference;
  for (int i = 0; i < 19; ++i) interference.removed("10.0.0.100/24", kNow + i * 100ms);
  EXPECT_EQ(interference.problem(kNow + 2s), "");
  interference.removed("10.0.0.100/24", kNow + 2s);
  EXPECT_EQ(interference.problem(kNow + 2s), "10.0.0.100/24 was removed by somebody 20 times within 10s");
  EXPECT_NE(interference.problem(kNow + 31s), "");
  EXPECT_EQ(interference.problem(kNow + 32s), "");  // tried again
}

TEST(Interference, BearsRemovalsNowAndThen) {
  Interference interference;
  for (int i = 0; i < 100; ++i) interference.removed("10.0.0.100/24", kNow + i * 600ms);
  EXPECT_EQ(interference.problem(kNow + 60s), "");
}

TEST(Interference, GivesUpWhenAnAddressCannotBeAddedTwice) {
  Interference interference;
  interference.added("add 10.0.0.100/24: Invalid argument", kNow);
  interference.added("", kNow + 1s);
  interference.added("add 10.0.0.100/24: Invalid argument", kNow + 2s);
  EXPECT_EQ(interference.problem(kNow + 2s), "");
  interference.added("add 10.0.0.100/24: Invalid argument", kNow + 3s);
  EXPECT_EQ(interference.problem(kNow + 3s), "add 10.0.0.100/24: Invalid argument");
}

}  // namespace
}  // namespace lvsd::vrrp

#include "base/time.hpp"

#include <gtest/gtest.h>

namespace lvsd::base {
namespace {

TEST(ParseDuration, TakesEveryUnit) {
  EXPECT_EQ(*parse_duration("500ms"), 500ms);
  EXPECT_EQ(*parse_duration("3s"), 3s);
  EXPECT_EQ(*parse_duration("2m"), 2min);
  EXPECT_EQ(*parse_duration("1h"), 1h);
  EXPECT_EQ(*parse_duration("1d"), 24h);
  EXPECT_EQ(*parse_duration("250us"), 250us);
  EXPECT_EQ(*parse_duration("0.5"), 500ms);
  EXPECT_EQ(*parse_duration("0"), 0s);
}

TEST(ParseDuration, RefusesWhatIsNotADuration) {
  for (const auto* text : {"", "s", "-1s", "1 s", "1x", "1s2", "inf", "nan", "1e99d", "999999999999d"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
}

TEST(FormatDuration, IsTheShortestExactForm) {
  EXPECT_EQ(format_duration(1500ms), "1500ms");
  EXPECT_EQ(format_duration(3s), "3s");
  EXPECT_EQ(format_duration(120s), "2m");
  EXPECT_EQ(format_duration(0s), "0s");
  EXPECT_EQ(format_duration(250us), "250us");
}

TEST(FormatAge, UsesAtMostTwoUnits) {
  EXPECT_EQ(format_age(400ms), "0.4s");
  EXPECT_EQ(format_age(42s), "42s");
  EXPECT_EQ(format_age(252s), "4m12s");
  EXPECT_EQ(format_age(292h), "12d 4h");
}

}  // namespace
}  // namespace lvsd::base

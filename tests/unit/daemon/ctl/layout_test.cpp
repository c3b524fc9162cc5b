#include "daemon/ctl/layout.hpp"

#include <gtest/gtest.h>

#include "daemon/ctl/words.hpp"
#include "tests/unit/daemon/ctl/samples.hpp"

namespace lvsd::ctl {
namespace {

using test::kNow;

Layout sample() {
  Layout layout({{"NAME"}, {"HITS", Column::Align::Right}, {"MORE", Column::Align::Left, true}, {"STATE"}});
  layout.add({"a", "1", "x", {"● up", Tone::Good}});
  layout.add({"longer", "1,000", "y", ""});
  return layout;
}

TEST(Layout, AlignsColumnsWithoutTrailingSpaces) {
  EXPECT_EQ(sample().table(test::view()),
            "NAME     HITS  STATE\n"
            "a           1  ● up\n"
            "longer  1,000\n");
}

TEST(Layout, ShowsMoreColumnsWhenWide) {
  auto v = test::view();
  v.wide = true;
  v.header = false;
  EXPECT_EQ(sample().table(v),
            "a           1  x  ● up\n"
            "longer  1,000  y\n");
}

TEST(Layout, ColourDoesNotChangeTheColumns) {
  auto v = test::view();
  v.color = true;
  v.header = false;
  EXPECT_EQ(sample().table(v), "a           1  \x1b[32m● up\x1b[0m\nlonger  1,000\n");
}

TEST(Layout, CsvQuotesWhatNeedsIt) {
  Layout layout({{"A NAME"}, {"TEXT"}});
  layout.add({"x", "says \"no\", twice"});
  layout.add({"y"});
  EXPECT_EQ(layout.csv(test::view()), "a_name,text\nx,\"says \"\"no\"\", twice\"\ny,\n");
}

TEST(Words, LongTextsAreCutBetweenCharacters) {
  auto v = test::view();
  EXPECT_EQ(shortened("äöü", 3, v), "äöü");
  EXPECT_EQ(shortened("äöüx", 3, v), "äö…");
  EXPECT_EQ(shortened("", 3, v), "");
  v.utf8 = false;
  EXPECT_EQ(shortened("abcdef", 5, v), "ab...");
}

TEST(Words, NumbersAndTimes) {
  auto v = test::view();
  EXPECT_EQ(count(0, v), "0");
  EXPECT_EQ(count(999, v), "999");
  EXPECT_EQ(count(1'000, v), "1,000");
  EXPECT_EQ(count(1'234'567, v), "1,234,567");
  v.thousands = false;
  EXPECT_EQ(count(1'234'567, v), "1234567");
  EXPECT_EQ(scaled(999), "999 ");
  EXPECT_EQ(scaled(1'000), "1.0 k");
  EXPECT_EQ(scaled(412'000), "412 k");
  EXPECT_EQ(scaled(999'999), "1.0 M");
  EXPECT_EQ(scaled(3'100'000'000), "3.1 G");
  EXPECT_EQ(seconds(3414), "3.414s");
  EXPECT_EQ(seconds(2000), "2s");
  EXPECT_EQ(seconds(500), "0.5s");
  EXPECT_EQ(age_since(kNow + 5000, v), "0.0s");
  EXPECT_EQ(age_since(0, v), "-");
  EXPECT_EQ(local_time(kNow - 60'000, v), "09:19:00");
  EXPECT_EQ(local_time(kNow - 86'400'000, v), "2026-02-17 09:20:00");
}

}  // namespace
}  // namespace lvsd::ctl

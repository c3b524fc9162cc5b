#include "healthcheck/dampener.hpp"

#include <string>

#include <gtest/gtest.h>

namespace lvsd::healthcheck {
namespace {

char letter(Verdict verdict) { return verdict == Verdict::up ? 'U' : verdict == Verdict::down ? 'D' : '?'; }

// The verdict after each result, as letters.
std::string verdicts(Dampener dampener, std::string_view results) {
  std::string out;
  for (const char result : results) {
    dampener.observe(result == '+');
    out += letter(dampener.verdict());
  }
  return out;
}

TEST(Dampener, LetsTheFirstResultDecideFromUnknown) {
  EXPECT_EQ(verdicts({2, 3}, "+"), "U");
  EXPECT_EQ(verdicts({2, 3}, "-"), "D");
}

TEST(Dampener, NeedsFallFailuresInARowToGoDown) { EXPECT_EQ(verdicts({2, 3}, "+--+---"), "UUUUUUD"); }

TEST(Dampener, NeedsRisePassesInARowToComeBack) { EXPECT_EQ(verdicts({3, 1}, "-++-+++"), "DDDDDDU"); }

TEST(Dampener, GoesAtOnceWithRiseAndFallOfOne) { EXPECT_EQ(verdicts({1, 1}, "+-+-"), "UDUD"); }

TEST(Dampener, LeavesAKnownVerdictOnlyAfterTheFullRow) {
  EXPECT_EQ(verdicts({2, 3, Verdict::up}, "---"), "UUD");
  EXPECT_EQ(verdicts({2, 3, Verdict::down}, "++"), "DU");
}

TEST(Dampener, TellsAChangeOnceAndAfterHowManyResults) {
  Dampener dampener{2, 3, Verdict::up};
  EXPECT_FALSE(dampener.observe(false));
  EXPECT_FALSE(dampener.observe(false));
  EXPECT_EQ(dampener.streak(), 2u);
  const auto turn = dampener.observe(false);
  ASSERT_TRUE(turn);
  EXPECT_EQ(turn->verdict, Verdict::down);
  EXPECT_EQ(turn->results, 3u);
  EXPECT_EQ(dampener.streak(), 0u);
  EXPECT_FALSE(dampener.observe(false));
}

TEST(Dampener, KeepsTheRowOfResultsWhenOnlyThresholdsChange) {
  Dampener dampener{2, 5, Verdict::up};
  dampener.observe(false);
  dampener.observe(false);
  dampener.retune(2, 3);
  EXPECT_EQ(dampener.observe(false)->verdict, Verdict::down);
}

TEST(Dampener, KeepsAServingServerThroughAChangedQuestion) {
  Dampener dampener{2, 3, Verdict::up};
  dampener.observe(false);
  dampener.observe(false);
  dampener.ask_anew();
  EXPECT_EQ(verdicts(dampener, "---"), "UUD");
}

TEST(Dampener, BringsADownServerUpWithTheFirstPassOfAChangedQuestion) {
  Dampener dampener{5, 3, Verdict::down};
  dampener.ask_anew();
  EXPECT_EQ(verdicts(dampener, "+"), "U");
  EXPECT_EQ(verdicts(dampener, "-+"), "DD") << "a failure answers the new question, then the full row is needed again";
}

TEST(Dampener, PresumedUpTheFirstResultDecides) {
  Dampener fails{2, 3};
  fails.presume_up();
  EXPECT_EQ(fails.verdict(), Verdict::up);
  ASSERT_TRUE(fails.observe(false));
  EXPECT_EQ(fails.verdict(), Verdict::down);
  Dampener passes{2, 3};
  passes.presume_up();
  EXPECT_FALSE(passes.observe(true));
  EXPECT_FALSE(passes.observe(false)) << "from then on fall counts";
  EXPECT_EQ(passes.verdict(), Verdict::up);
}

TEST(Dampener, FailsAtOnceAndComesBackByTheFullRow) {
  Dampener dampener{2, 3, Verdict::up};
  EXPECT_TRUE(dampener.fail_at_once());
  EXPECT_FALSE(dampener.fail_at_once());
  EXPECT_FALSE(dampener.observe(true));
  EXPECT_EQ(dampener.observe(true)->verdict, Verdict::up);
}

}  // namespace
}  // namespace lvsd::healthcheck

#include "ipvs/engine/scheduler.hpp"

#include <map>

#include <gtest/gtest.h>

#include "ipvs/names.hpp"
#include "tests/support/scheduling.hpp"

namespace lvsd::ipvs::engine {
namespace {

using test::first_picks;
using test::from;
using test::picks;
using test::Servers;
using test::weighing;

TEST(Scheduler, NobodyEligibleIsNobody) {
  auto down = weighing({1, 1});
  down[0].down = down[1].down = true;
  auto overloaded = weighing({1, 1});
  overloaded[0].overloaded = overloaded[1].overloaded = true;
  for (const auto& [kind, word] : kSchedulerNames) {
    EXPECT_EQ(first_picks(kind, {}, 2), "--") << word;
    EXPECT_EQ(first_picks(kind, weighing({0, 0}), 2), "--") << word;
    EXPECT_EQ(first_picks(kind, down, 2), "--") << word;
    EXPECT_EQ(first_picks(kind, overloaded, 2), "--") << word;
  }
}

TEST(Scheduler, TheOnlyEligibleServerTakesEverything) {
  auto servers = weighing({0, 9, 3});
  servers[1].down = true;
  for (const auto& [kind, word] : kSchedulerNames) {
    if (kind == SchedulerKind::Dh || kind == SchedulerKind::Sh) continue;  // weight 0 keeps its buckets
    EXPECT_EQ(first_picks(kind, servers, 3), "ccc") << word;
  }
  servers = weighing({5, 9, 3});
  servers[0].overloaded = servers[1].overloaded = true;
  for (const auto& [kind, word] : kSchedulerNames) {
    if (kind == SchedulerKind::Dh || kind == SchedulerKind::Sh || kind == SchedulerKind::Mh) continue;
    EXPECT_EQ(first_picks(kind, servers, 3), "ccc") << word;
  }
}

TEST(Rr, TakesTurnsAmongTheEligible) {
  EXPECT_EQ(first_picks(SchedulerKind::Rr, weighing({1, 9, 1}), 7), "abcabca");
  EXPECT_EQ(first_picks(SchedulerKind::Rr, weighing({0, 1, 1}), 4), "bcbc");
}

TEST(Rr, KeepsItsTurnWhenTheListChanges) {
  const auto rr = make_rr();
  auto servers = weighing({1, 1, 1, 1});
  rr->servers_changed(servers);
  EXPECT_EQ(picks(*rr, servers, 3), "abc");
  servers.erase(servers.begin() + 2);  // c, which had the last turn: d is next
  rr->servers_changed(servers);
  EXPECT_EQ(picks(*rr, servers, 2), "ca");
  servers.insert(servers.begin(), {9, 1, false, 0, 0, false, {}});  // before a, which had the last turn
  rr->servers_changed(servers);
  EXPECT_EQ(picks(*rr, servers, 1), "c");
  servers.clear();
  rr->servers_changed(servers);
  servers = weighing({1});
  rr->servers_changed(servers);
  EXPECT_EQ(picks(*rr, servers, 1), "a");
}

TEST(Wrr, InterleavesByFallingLevels) {
  EXPECT_EQ(first_picks(SchedulerKind::Wrr, weighing({4, 3, 2}), 9), "aababcabc");
  EXPECT_EQ(first_picks(SchedulerKind::Wrr, weighing({3, 1}), 8), "aaabaaab");
  EXPECT_EQ(first_picks(SchedulerKind::Wrr, weighing({20, 10}), 6), "aabaab");
  EXPECT_EQ(first_picks(SchedulerKind::Wrr, weighing({0, 5}), 3), "bbb");
}

TEST(Wrr, SharesAreExactlyTheWeights) {
  auto servers = weighing({7, 0, 3, 5});
  servers.push_back({4, 6, true, 0, 0, false, {}});
  std::map<char, int> count;
  for (const auto c : first_picks(SchedulerKind::Wrr, servers, 150)) ++count[c];
  EXPECT_EQ(count, (std::map<char, int>{{'a', 70}, {'c', 30}, {'d', 50}}));
}

TEST(Wrr, GoesOnAfterEveryChangeOfWeights) {
  const auto wrr = make_wrr();
  auto servers = weighing({65535, 1});
  wrr->servers_changed(servers);
  EXPECT_EQ(picks(*wrr, servers, 3), "aaa");
  servers = weighing({2, 4});
  wrr->servers_changed(servers);
  std::map<char, int> count;
  for (const auto c : picks(*wrr, servers, 30)) ++count[c];
  EXPECT_EQ(count, (std::map<char, int>{{'a', 10}, {'b', 20}}));
  servers = weighing({0, 0});
  wrr->servers_changed(servers);
  EXPECT_EQ(picks(*wrr, servers, 1), "-");
  servers = weighing({1, 0});
  wrr->servers_changed(servers);
  EXPECT_EQ(picks(*wrr, servers, 2), "aa");
}

struct LoadCase {
  const char* what;
  Servers servers;
  const char* lc;
  const char* wlc;
  const char* sed;
  const char* nq;
  const char* fo;
  const char* ovf;
};

// A server's weight and its connections.
Candidate server(std::uint32_t weight, std::uint32_t active, std::uint32_t inactive = 0) {
  Candidate c;
  c.weight = weight;
  c.active = active;
  c.inactive = inactive;
  return c;
}

TEST(LeastConnection, PicksByLoad) {
  const LoadCase cases[] = {
      {"the first of equals", {server(1, 0), server(1, 0)}, "a", "a", "a", "a", "a", "a"},
      {"active connections count 257 times", {server(1, 1), server(1, 0, 256)}, "b", "b", "b", "b", "a", "a"},
      {"inactive ones decide at last", {server(1, 1), server(1, 0, 258)}, "a", "a", "b", "b", "a", "a"},
      {"weight divides the load", {server(1, 2), server(3, 5)}, "a", "b", "b", "b", "b", "-"},
      {"equal by weight: the first", {server(2, 2), server(3, 3)}, "a", "a", "b", "b", "b", "b"},
      {"equal with the new one: the first", {server(2, 1), server(3, 2)}, "a", "a", "a", "a", "b", "b"},
      {"idle but light", {server(10, 1), server(1, 0)}, "b", "b", "a", "b", "a", "a"},
      {"the first idle one", {server(10, 1), server(1, 0), server(5, 0)}, "b", "b", "a", "b", "a", "a"},
      {"as many as it weighs are not too many", {server(3, 3), server(2, 0)}, "b", "b", "b", "b", "a", "a"},
      {"one more is", {server(3, 4), server(2, 0)}, "b", "b", "b", "b", "a", "b"},
      {"all are full", {server(3, 4), server(2, 3)}, "b", "a", "a", "a", "a", "-"},
      {"large numbers", {server(65535, 4000000000), server(65534, 4000000000)}, "a", "a", "a", "a", "a", "-"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(first_picks(SchedulerKind::Lc, c.servers, 1), c.lc) << c.what;
    EXPECT_EQ(first_picks(SchedulerKind::Wlc, c.servers, 1), c.wlc) << c.what;
    EXPECT_EQ(first_picks(SchedulerKind::Sed, c.servers, 1), c.sed) << c.what;
    EXPECT_EQ(first_picks(SchedulerKind::Nq, c.servers, 1), c.nq) << c.what;
    EXPECT_EQ(first_picks(SchedulerKind::Fo, c.servers, 1), c.fo) << c.what;
    EXPECT_EQ(first_picks(SchedulerKind::Ovf, c.servers, 1), c.ovf) << c.what;
  }
}

TEST(Wrr, LeavesOutWhoIsOverloadedAndGoesOnWithTheOthers) {
  const auto wrr = make_wrr();
  auto servers = weighing({65535, 4, 2});
  wrr->servers_changed(servers);
  EXPECT_EQ(picks(*wrr, servers, 2), "aa");
  servers[0].overloaded = true;
  std::map<char, int> count;
  for (const auto c : picks(*wrr, servers, 60)) ++count[c];
  EXPECT_EQ(count.count('a'), 0u);
  EXPECT_GT(count['b'], 0);
  servers[0].overloaded = false;
  EXPECT_EQ(picks(*wrr, servers, 10).find('a') == std::string::npos, false);
}

TEST(Twos, SharesAreTheWeightsWhileNobodyIsLoaded) {
  const auto twos = make_twos({{}, 7});
  const auto servers = weighing({6, 3, 1});  // ties: the first draw counts
  std::map<char, int> count;
  for (const auto c : picks(*twos, servers, 10000)) ++count[c];
  EXPECT_NEAR(count['a'], 6000, 200);
  EXPECT_NEAR(count['b'], 3000, 200);
  EXPECT_NEAR(count['c'], 1000, 200);
}

TEST(Twos, TakesTheLessLoadedOfTwo) {
  const auto twos = make_twos({{}, 7});
  auto servers = weighing({1, 1, 1});
  servers[0].active = 5;
  std::map<char, int> count;
  for (const auto c : picks(*twos, servers, 9000)) ++count[c];
  EXPECT_NEAR(count['a'], 1000, 150);  // only where it was drawn twice: one in nine
  EXPECT_NEAR(count['b'], 4000, 250);
}

TEST(Twos, ItsSeedDecides) {
  const auto servers = weighing({1, 1, 1, 1});
  EXPECT_EQ(picks(*make_twos({{}, 1}), servers, 50), picks(*make_twos({{}, 1}), servers, 50));
  EXPECT_NE(picks(*make_twos({{}, 1}), servers, 50), picks(*make_twos({{}, 2}), servers, 50));
}

// Connections that never end: what a scheduler makes of 1200 of them.
TEST(Scheduler, LoadFollowsTheWeights) {
  for (const auto kind :
       {SchedulerKind::Wrr, SchedulerKind::Wlc, SchedulerKind::Sed, SchedulerKind::Nq, SchedulerKind::Twos}) {
    const auto scheduler = make_scheduler(kind, {{}, 3});
    auto servers = weighing({3, 2, 1});
    scheduler->servers_changed(servers);
    for (int i = 0; i < 1200; ++i) ++servers[*scheduler->pick(servers, from(1))].active;
    EXPECT_NEAR(servers[0].active, 600, 12) << name(kind);
    EXPECT_NEAR(servers[1].active, 400, 12) << name(kind);
    EXPECT_NEAR(servers[2].active, 200, 12) << name(kind);
  }
}

}  // namespace
}  // namespace lvsd::ipvs::engine

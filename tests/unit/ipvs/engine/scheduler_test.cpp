#include "ipvs/engine/scheduler.hpp"

#include <map>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/frames.hpp"

namespace lvsd::ipvs::engine {
namespace {

using Servers = std::vector<Candidate>;

Servers weighing(const std::vector<std::uint32_t>& weights) {
  Servers servers;
  for (std::uint32_t i = 0; i < weights.size(); ++i) servers.push_back({i, weights[i], false, 0, 0});
  return servers;
}

// The picks as letters: a is the first server, - is nobody.
std::string picks(Scheduler& scheduler, const Servers& servers, int count) {
  std::string text;
  for (int i = 0; i < count; ++i) {
    const auto pick = scheduler.pick(servers, test::endpoint("192.0.2.1:1"));
    text += pick ? static_cast<char>('a' + *pick) : '-';
  }
  return text;
}
std::string first_picks(SchedulerKind kind, const Servers& servers, int count) {
  const auto scheduler = make_scheduler(kind);
  scheduler->servers_changed(servers);
  return picks(*scheduler, servers, count);
}

TEST(Scheduler, NobodyEligibleIsNobody) {
  auto down = weighing({1, 1});
  down[0].down = down[1].down = true;
  for (const auto kind :
       {SchedulerKind::Rr, SchedulerKind::Wrr, SchedulerKind::Lc, SchedulerKind::Wlc, SchedulerKind::Sh}) {
    EXPECT_EQ(first_picks(kind, {}, 2), "--");
    EXPECT_EQ(first_picks(kind, weighing({0, 0}), 2), "--");
    EXPECT_EQ(first_picks(kind, down, 2), "--");
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
  servers.insert(servers.begin(), {9, 1, false, 0, 0});  // before a, which had the last turn
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
  servers.push_back({4, 6, true, 0, 0});
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
};

TEST(LeastConnection, PicksByLoad) {
  const LoadCase cases[] = {
      {"the first of equals", weighing({1, 1}), "a", "a"},
      {"active connections count 257 times", {{0, 1, false, 1, 0}, {1, 1, false, 0, 256}}, "b", "b"},
      {"inactive ones decide at last", {{0, 1, false, 1, 0}, {1, 1, false, 0, 258}}, "a", "a"},
      {"weight divides the load", {{0, 1, false, 2, 0}, {1, 3, false, 5, 0}}, "a", "b"},
      {"equal by weight: the first", {{0, 2, false, 2, 0}, {1, 3, false, 3, 0}}, "a", "a"},
      {"weight 0 and down are left out", {{0, 0, false, 0, 0}, {1, 5, true, 0, 0}, {2, 1, false, 9, 9}}, "c", "c"},
      {"large numbers", {{0, 65535, false, 4000000000, 0}, {1, 65534, false, 4000000000, 0}}, "a", "a"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(first_picks(SchedulerKind::Lc, c.servers, 1), c.lc) << c.what;
    EXPECT_EQ(first_picks(SchedulerKind::Wlc, c.servers, 1), c.wlc) << c.what;
  }
}

TEST(Sh, AClientStaysWithItsServer) {
  const auto sh = make_sh();
  const auto servers = weighing({1, 1, 1});
  sh->servers_changed(servers);
  for (std::uint32_t n = 0; n < 1000; ++n) {
    const base::Endpoint client{base::IpAddress::v4(n * 7919), 1};
    const auto pick = sh->pick(servers, client);
    EXPECT_EQ(pick, sh->pick(servers, {client.address, 2}));
  }
}

// Worked out by hand from the rule: bucket = (address · 0x61C88647 mod 2^32) >> 24; buckets are filled abbabb….
TEST(Sh, BucketsAreThoseOfTheKernel) {
  const auto sh = make_sh();
  const auto servers = weighing({1, 2});
  sh->servers_changed(servers);
  for (const std::uint32_t address : {0u, 1u, 0xc0000201u, 0x0a0000ffu, 0xffffffffu}) {
    const auto bucket = (std::uint64_t{address} * 0x61C88647u & 0xffffffffu) >> 24;
    const std::size_t expected = bucket % 3 == 0 ? 0 : 1;
    EXPECT_EQ(sh->pick(servers, {base::IpAddress::v4(address), 0}), expected) << address;
  }
}

TEST(Sh, AWeightlessServerLosesItsClientsAndADownOneLeavesThemToOthers) {
  const auto share_of_nobody = [](const Servers& servers) {
    const auto sh = make_sh();
    sh->servers_changed(servers);
    int nobody = 0;
    for (std::uint32_t n = 0; n < 256; ++n) nobody += !sh->pick(servers, {base::IpAddress::v4(n << 20), 0});
    return nobody;
  };
  auto servers = weighing({1, 1});
  EXPECT_EQ(share_of_nobody(servers), 0);
  servers[1].weight = 0;
  EXPECT_GT(share_of_nobody(servers), 90);
  servers[1].down = true;
  EXPECT_EQ(share_of_nobody(servers), 0);
}

}  // namespace
}  // namespace lvsd::ipvs::engine

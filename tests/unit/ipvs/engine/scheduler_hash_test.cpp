// dh, sh and mh: who gets a client or a virtual address without looking at loads.
#include <algorithm>
#include <functional>
#include <numeric>

#include <gtest/gtest.h>

#include "ipvs/engine/sip_hash.hpp"
#include "tests/support/scheduling.hpp"

namespace lvsd::ipvs::engine {
namespace {

using test::from;
using test::letter;
using test::Servers;
using test::to;
using test::weighing;

std::unique_ptr<Scheduler> made(SchedulerKind kind, const Servers& servers, SchedulerFlags flags = {}) {
  auto scheduler = make_scheduler(kind, {flags, 0});
  scheduler->servers_changed(servers);
  return scheduler;
}

// Who takes each of 1000 clients, as letters.
std::string clients_of(Scheduler& scheduler, const Servers& servers) {
  std::string text;
  for (std::uint32_t n = 0; n < 1000; ++n) text += letter(scheduler.pick(servers, from(n * 2654435789u)));
  return text;
}
std::string clients_of(SchedulerKind kind, const Servers& servers, SchedulerFlags flags = {}) {
  return clients_of(*made(kind, servers, flags), servers);
}
int count(const std::string& text, char c) { return static_cast<int>(std::count(text.begin(), text.end(), c)); }
int moved(const std::string& before, const std::string& after) {
  return std::inner_product(before.begin(), before.end(), after.begin(), 0, std::plus<>{}, std::not_equal_to<>{});
}

constexpr SchedulerFlags kFallback{true, false};
constexpr SchedulerFlags kPort{false, true};

TEST(Hashing, AClientStaysWithItsServerWhateverItsPort) {
  const auto servers = weighing({1, 1, 1});
  for (const auto kind : {SchedulerKind::Sh, SchedulerKind::Mh}) {
    const auto scheduler = made(kind, servers);
    for (std::uint32_t n = 0; n < 1000; ++n) {
      const auto pick = scheduler->pick(servers, from(n * 7919, 1));
      EXPECT_TRUE(pick);
      EXPECT_EQ(pick, scheduler->pick(servers, from(n * 7919, 2)));
    }
  }
}

TEST(Mh, WithAKeyThePairAgreesAndNobodyElseCanTell) {
  const auto servers = weighing({1, 2, 3});
  const auto keyed = [&](std::uint64_t key) {
    auto scheduler = make_scheduler(SchedulerKind::Mh, {{}, 0, key});
    scheduler->servers_changed(servers);
    return clients_of(*scheduler, servers);
  };
  EXPECT_EQ(keyed(0), clients_of(SchedulerKind::Mh, servers));
  EXPECT_EQ(keyed(7), keyed(7));
  EXPECT_GT(moved(keyed(7), keyed(0)), 400);
  EXPECT_GT(moved(keyed(7), keyed(8)), 400);
  EXPECT_NEAR(count(keyed(7), 'c'), 500, 60);
}

TEST(Hashing, WithThePortAClientIsSpread) {
  const auto servers = weighing({1, 1, 1});
  for (const auto kind : {SchedulerKind::Sh, SchedulerKind::Mh}) {
    const auto scheduler = made(kind, servers, kPort);
    std::string text;
    for (std::uint16_t port = 1; port <= 900; ++port) text += letter(scheduler->pick(servers, from(0xc0000201, port)));
    for (const char server : {'a', 'b', 'c'}) EXPECT_NEAR(count(text, server), 300, 50);
    EXPECT_EQ(scheduler->pick(servers, from(1, 700)), scheduler->pick(servers, from(1, 700)));
  }
}

TEST(Hashing, WithoutFallbackAServerThatTakesNothingLosesItsClients) {
  for (const auto kind : {SchedulerKind::Sh, SchedulerKind::Mh}) {
    auto servers = weighing({1, 1, 1});
    const auto scheduler = made(kind, servers);
    const auto before = clients_of(*scheduler, servers);
    servers[1].overloaded = true;
    auto expected = before;
    std::replace(expected.begin(), expected.end(), 'b', '-');
    EXPECT_EQ(clients_of(*scheduler, servers), expected);
  }
}

TEST(Hashing, WithFallbackItsClientsGoToOthersAndAllElseStays) {
  for (const auto kind : {SchedulerKind::Sh, SchedulerKind::Mh}) {
    auto servers = weighing({1, 1, 1});
    const auto scheduler = made(kind, servers, kFallback);
    const auto before = clients_of(*scheduler, servers);
    servers[1].overloaded = true;
    const auto after = clients_of(*scheduler, servers);
    EXPECT_EQ(count(after, 'b') + count(after, '-'), 0);
    EXPECT_EQ(moved(before, after), count(before, 'b'));
    EXPECT_GT(count(after, 'c'), count(before, 'c') + 50);
    // sh with equal weights: all to the server that follows in the buckets, as in IPVS
    EXPECT_EQ(count(after, 'a') > count(before, 'a') + 50, kind == SchedulerKind::Mh);
    servers[0].overloaded = servers[2].overloaded = true;
    EXPECT_EQ(count(clients_of(*scheduler, servers), '-'), 1000);
  }
}

TEST(Hashing, ADownServerLeavesItsClientsToOthers) {
  for (const auto kind : {SchedulerKind::Sh, SchedulerKind::Mh}) {
    auto servers = weighing({1, 1});
    servers[1].down = true;
    servers[1].weight = 0;
    EXPECT_EQ(count(clients_of(kind, servers), 'a'), 1000);
  }
}

// Worked out from the rule: bucket = (address · 0x61C88647 mod 2^32) >> 24; filled in the order of the list: abb abb ….
TEST(Sh, BucketsAreThoseOfTheKernel) {
  const auto servers = weighing({1, 2});
  const auto sh = made(SchedulerKind::Sh, servers);
  const auto with_port = made(SchedulerKind::Sh, servers, kPort);
  for (const std::uint32_t address : {0u, 1u, 0xc0000201u, 0x0a0000ffu, 0xffffffffu}) {
    const auto expected = [&](std::uint32_t key) {
      const auto bucket = (std::uint64_t{key} * 0x61C88647u & 0xffffffffu) >> 24;
      return bucket % 3 == 0 ? std::size_t{0} : std::size_t{1};
    };
    EXPECT_EQ(sh->pick(servers, from(address, 77)), expected(address)) << address;
    EXPECT_EQ(with_port->pick(servers, from(address, 77)), expected(address + 77)) << address;
  }
}

// Buckets a bb ccccc …; the fallback tries bucket (own + offset) + own, offset = 0, 1, …
TEST(Sh, FallbackLooksWhereTheKernelLooks) {
  auto servers = weighing({1, 2, 5});
  const auto sh = made(SchedulerKind::Sh, servers, kFallback);
  servers[1].overloaded = true;
  const auto owner = [](std::uint32_t bucket) { return bucket % 8 < 1 ? 'a' : bucket % 8 < 3 ? 'b' : 'c'; };
  for (std::uint32_t address = 0; address < 200; ++address) {
    const auto own = (address * 0x61C88647u) >> 24;
    auto expected = owner(own);
    for (std::uint32_t offset = 0; expected == 'b'; ++offset) expected = owner(own + offset + own);
    EXPECT_EQ(letter(sh->pick(servers, from(address))), expected) << address;
  }
}

TEST(Sh, AWeightlessServerKeepsOneBucketPerTurn) {
  auto servers = weighing({1, 1});
  EXPECT_EQ(count(clients_of(SchedulerKind::Sh, servers), '-'), 0);
  servers[1].weight = 0;
  EXPECT_NEAR(count(clients_of(SchedulerKind::Sh, servers), '-'), 500, 60);
  EXPECT_EQ(count(clients_of(SchedulerKind::Sh, servers, kFallback), 'a'), 1000);
}

TEST(Dh, TheVirtualAddressDecides) {
  auto servers = weighing({1, 9, 1});
  const auto dh = made(SchedulerKind::Dh, servers);
  std::string text;
  for (std::uint32_t n = 0; n < 900; ++n) text += letter(dh->pick(servers, to(n * 2654435789u)));
  for (const char server : {'a', 'b', 'c'}) EXPECT_NEAR(count(text, server), 300, 50);  // whatever they weigh
  auto other_client = to(77);
  other_client.client = test::endpoint("203.0.113.9:999");
  EXPECT_EQ(dh->pick(servers, to(77)), dh->pick(servers, other_client));
  // buckets are filled abc abc …
  const auto bucket = (std::uint64_t{77} * 0x61C88647u & 0xffffffffu) >> 24;
  EXPECT_EQ(dh->pick(servers, to(77)), bucket % 3);
  servers[bucket % 3].weight = 0;
  dh->servers_changed(servers);
  EXPECT_FALSE(dh->pick(servers, to(77)));
  servers[bucket % 3].down = true;
  dh->servers_changed(servers);
  EXPECT_TRUE(dh->pick(servers, to(77)));
}

// Python's own SipHash-1-3: PYTHONHASHSEED=0 python3 -c 'print(hash(bytes))'.
TEST(SipHash, IsThatOfOthers) {
  EXPECT_EQ(sip_hash(0, 0, 1), 0x182e2c74c37b7090u);
  EXPECT_EQ(sip_hash(0, 0, 0x9e3779b1), 0x94c6d30d0b7b52d8u);
  EXPECT_EQ(sip_hash(0, 0, 0xc0a80101), 0xe9078480686f6ca1u);
}

// tests/support/maglev_reference.py
TEST(Mh, ChoosesAsTheKernel) {
  struct Case {
    std::vector<std::uint32_t> weights;
    const char* by_address;
    const char* with_port_7;
  };
  const Case cases[] = {
      {{1, 1, 1},
       "caabcbcaacbaacccbcbcabbbcaacbbccaaabacbbaaacaaabacacccbcbbaacabb",
       "baabcbcbbbabbbacbaccbcccabbabacccbbccccaabbbbccccaccbcacbaaacacb"},
      {{5, 3, 2},
       "caababaaacbaacacbaaaabbacaaabaacaaabaabbaaacaaabacacccbcbbaacaba",
       "baabcbabbaabbbacbaccbcccabbabaaacbbbbcaaabbbbcaccaccbbacbaaaaaab"},
      {{1000, 10, 100},
       "aaaaaaaaacaaaaaacaaaaaaaaaaaaaacaaaaaaaaaaaaaaaaaaacaaacabaaaaaa",
       "aaaaaaaaaaaaaaaaaaaaaacaaaaaaaaaaaaaacaaaaaaacaccaacaaacaaaaaaaa"},
      {{100, 0, 300},
       "caaccccaaccaacccccccaccaccaccccccaacacccaaaccaacacacccccaccacccc",
       "caacccccaccccacccaccccccacccccccccaccccaccaccccccccccccccaaacacc"},
  };
  for (const auto& c : cases) {
    const auto servers = weighing(c.weights);
    const auto mh = made(SchedulerKind::Mh, servers);
    const auto with_port = made(SchedulerKind::Mh, servers, kPort);
    std::string by_address, by_port;
    for (std::uint32_t n = 0; n < 64; ++n) {
      by_address += letter(mh->pick(servers, from(0xc0000201 + 7919 * n, 7)));
      by_port += letter(with_port->pick(servers, from(0xc0000201 + 7919 * n, 7)));
    }
    EXPECT_EQ(by_address, c.by_address);
    EXPECT_EQ(by_port, c.with_port_7);
  }
}

TEST(Mh, SharesAreTheWeights) {
  const auto text = clients_of(SchedulerKind::Mh, weighing({5, 3, 2}));
  EXPECT_NEAR(count(text, 'a'), 500, 50);
  EXPECT_NEAR(count(text, 'b'), 300, 50);
  EXPECT_NEAR(count(text, 'c'), 200, 50);
}

// One of ten gone: its tenth moves, and few others do (Maglev, section 5.3: a little more than the least possible).
TEST(Mh, RemovingOneOfTenMovesAboutATenth) {
  auto servers = weighing(std::vector<std::uint32_t>(10, 1));
  const auto mh = made(SchedulerKind::Mh, servers);
  const auto before = clients_of(*mh, servers);
  servers[4].down = true;
  servers[4].weight = 0;
  mh->servers_changed(servers);
  const auto after = clients_of(*mh, servers);
  EXPECT_EQ(count(after, 'e'), 0);
  const auto own = count(before, 'e');
  EXPECT_NEAR(own, 100, 40);
  EXPECT_LT(moved(before, after) - own, 40);
  RecordProperty("moved_of_1000", moved(before, after));
  RecordProperty("its_own", own);
  // and all come back
  servers[4].down = false;
  servers[4].weight = 1;
  mh->servers_changed(servers);
  EXPECT_EQ(clients_of(*mh, servers), before);
}

TEST(Mh, AServerSetToWeight0KeepsItsPlacesAndOneThatCameWithoutHasNone) {
  auto servers = weighing({1, 1, 1});
  const auto mh = made(SchedulerKind::Mh, servers);
  auto expected = clients_of(*mh, servers);
  servers[2].weight = 0;
  mh->servers_changed(servers);
  std::replace(expected.begin(), expected.end(), 'c', '-');
  EXPECT_EQ(clients_of(*mh, servers), expected);
  // taken out of the list and added again with weight 0 (as kernels 6.1 and 6.12 do)
  auto without = servers;
  without.pop_back();
  mh->servers_changed(without);
  mh->servers_changed(servers);
  EXPECT_EQ(count(clients_of(*mh, servers), '-'), 0);
  EXPECT_EQ(count(clients_of(SchedulerKind::Mh, servers), '-'), 0);
}

TEST(Mh, MoreServersThanPlacesAreSurvived) {
  const auto servers = weighing(std::vector<std::uint32_t>(5000, 1));
  const auto mh = made(SchedulerKind::Mh, servers);
  for (std::uint32_t n = 0; n < 1000; ++n) EXPECT_TRUE(mh->pick(servers, from(n * 7919)));
}

}  // namespace
}  // namespace lvsd::ipvs::engine

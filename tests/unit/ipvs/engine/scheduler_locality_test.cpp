// lblc and lblcr, and what they remember.
#include <gtest/gtest.h>

#include "ipvs/engine/schedulers/locality_cache.hpp"
#include "tests/support/scheduling.hpp"

namespace lvsd::ipvs::engine {
namespace {

using namespace std::chrono_literals;
using test::letter;
using test::Servers;
using test::to;
using test::weighing;

constexpr base::TimePoint kStart{std::chrono::hours{100}};

class Locality : public testing::TestWithParam<SchedulerKind> {
 protected:
  char pick(std::uint32_t address, base::TimePoint now = kStart) {
    return letter(scheduler->pick(servers, to(address, now)));
  }
  void change() { scheduler->servers_changed(servers); }

  Servers servers = weighing({10, 10, 10});
  std::unique_ptr<Scheduler> scheduler = [this] {
    auto made = make_scheduler(GetParam());
    made->servers_changed(servers);
    return made;
  }();
};

TEST_P(Locality, AnAddressStaysWithItsServerThoughOthersCarryLess) {
  EXPECT_EQ(pick(1), 'a');
  servers[0].active = 5;
  EXPECT_EQ(pick(2), 'b');
  EXPECT_EQ(pick(1), 'a');
  servers[1].active = 9;
  EXPECT_EQ(pick(3), 'c');
  EXPECT_EQ(pick(2), 'b');
}

TEST_P(Locality, AnOverloadedServerSharesWhereAnotherHasRoom) {
  EXPECT_EQ(pick(1), 'a');
  servers[0].active = 10;
  EXPECT_EQ(pick(1), 'a');  // as many as it weighs are not too many
  servers[0].active = 11;
  servers[1].active = servers[2].active = 5;
  EXPECT_EQ(pick(1), 'a');  // half of the weight is not room
  servers[2].active = 4;
  EXPECT_EQ(pick(1), 'c');
}

TEST_P(Locality, AServerThatTakesNothingIsLeft) {
  EXPECT_EQ(pick(1), 'a');
  servers[0].weight = 0;
  change();
  EXPECT_EQ(pick(1), 'b');
  servers[1].overloaded = true;
  EXPECT_EQ(pick(1), 'c');
}

TEST_P(Locality, AServerIsKnownWhereverItStandsInTheList) {
  servers[0].active = servers[1].active = 1;
  EXPECT_EQ(pick(1), 'c');
  servers[2].active = 3;
  servers.erase(servers.begin());
  change();
  EXPECT_EQ(pick(1), 'b');
}

TEST_P(Locality, AServerThatIsGoneIsForgotten) {
  EXPECT_EQ(pick(1), 'a');
  servers.erase(servers.begin());
  servers[0].active = 1;
  change();
  EXPECT_EQ(pick(1), 'b');
}

TEST_P(Locality, AfterADayWithoutAConnectionTheAddressIsNew) {
  EXPECT_EQ(pick(1), 'a');
  servers[0].active = 1;
  EXPECT_EQ(pick(1, kStart + 23h), 'a');
  EXPECT_EQ(pick(1, kStart + 46h), 'a');
  EXPECT_EQ(pick(1, kStart + 70h), 'b');
}

INSTANTIATE_TEST_SUITE_P(Both, Locality, testing::Values(SchedulerKind::Lblc, SchedulerKind::Lblcr));

// Two servers for address 1: a, then also b.
struct Replicated {
  Replicated() {
    lblcr->servers_changed(servers);
    pick();
    servers[0].active = 11;
    pick();
    servers[0].active = 0;
  }
  char pick(base::TimePoint now = kStart) { return letter(lblcr->pick(servers, to(1, now))); }

  Servers servers = weighing({10, 10, 10});
  std::unique_ptr<Scheduler> lblcr = make_lblcr();
};

TEST(Lblc, ForgetsTheServerThatWasOverloaded) {
  auto servers = weighing({10, 10, 10});
  const auto lblc = make_lblc();
  lblc->servers_changed(servers);
  EXPECT_EQ(lblc->pick(servers, to(1, kStart)), 0u);
  servers[0].active = 11;
  EXPECT_EQ(lblc->pick(servers, to(1, kStart)), 1u);
  servers[0].active = 0;
  servers[1].active = 5;
  EXPECT_EQ(lblc->pick(servers, to(1, kStart)), 1u);
}

TEST(Lblcr, KeepsBothAndTakesTheLessLoaded) {
  Replicated r;
  r.servers[1].active = 5;
  EXPECT_EQ(r.pick(), 'a');
  r.servers[0].active = 6;
  EXPECT_EQ(r.pick(), 'b');  // c carries nothing, but is not in the set
  r.servers[0].active = 5;
  EXPECT_EQ(r.pick(), 'b');  // of equals the newest in the set
}

TEST(Lblcr, TheMostLoadedLeavesASetThatHasNotChangedForADay) {
  Replicated r;
  r.servers[0].active = 3;
  r.servers[1].active = 2;
  EXPECT_EQ(r.pick(kStart + 20h), 'b');
  EXPECT_EQ(r.pick(kStart + 25h), 'b');  // a leaves
  r.servers[0].active = 0;
  EXPECT_EQ(r.pick(kStart + 26h), 'b');
  EXPECT_EQ(r.pick(kStart + 49h), 'b');  // the last one never does
}

TEST(LocalityCache, IsBoundedAndForgetsTheIdle) {
  using Cache = LocalityCache<int>;
  Cache cache;
  const auto address = [](std::size_t n) { return base::IpAddress::v4(static_cast<std::uint32_t>(n)); };
  for (std::size_t n = 0; n < Cache::kCapacity; ++n) {
    ASSERT_EQ(cache.find(address(n), kStart), nullptr);
    auto* value = cache.insert(address(n), kStart);
    ASSERT_NE(value, nullptr);
    *value = static_cast<int>(n);
  }
  EXPECT_EQ(cache.insert(address(Cache::kCapacity), kStart), nullptr);
  EXPECT_EQ(*cache.find(address(12345), kStart), 12345);
  // Above the limit what was idle for six minutes goes, but no more than that.
  for (std::size_t n = 0; n < Cache::kCapacity; ++n) cache.find(address(0), kStart + 359s);
  EXPECT_EQ(cache.size(), Cache::kCapacity);
  for (std::size_t n = 0; n < Cache::kCapacity; ++n) cache.find(address(0), kStart + 360s);
  EXPECT_EQ(cache.size(), Cache::kLimit);
  EXPECT_EQ(*cache.find(address(0), kStart + 360s), 0);
  EXPECT_NE(cache.insert(address(Cache::kCapacity), kStart + 360s), nullptr);
  // After a day all do.
  for (std::size_t n = 0; n < Cache::kCapacity; ++n) cache.find(address(0), kStart + 25h);
  EXPECT_EQ(cache.size(), 1u);
}

}  // namespace
}  // namespace lvsd::ipvs::engine

#include "ipvs/engine/local_ports.hpp"

#include <set>

#include <gtest/gtest.h>

namespace lvsd::ipvs::engine {
namespace {

TEST(LocalPorts, EveryPortButTheKernelsOwnIsTakenOnceBeforeOneIsTakenAgain) {
  std::set<std::pair<std::uint32_t, std::uint16_t>> seen;
  std::uint32_t turn = 12345;
  for (std::uint32_t i = 0; i < 2 * kLocalPorts; ++i) {
    const auto local = find_local_port(turn, 2, [](const LocalPort&) { return true; });
    ASSERT_TRUE(local);
    EXPECT_LT(local->address, 2u);
    EXPECT_TRUE((local->port >= 1024 && local->port < 32768) || local->port >= 61000);
    EXPECT_TRUE(seen.emplace(local->address, local->port).second);
  }
}

TEST(LocalPorts, APortInUseIsPassedOver) {
  std::uint32_t turn = 0;
  const auto first = find_local_port(turn, 1, [](const LocalPort&) { return true; });
  std::uint32_t again = 0;
  const auto second = find_local_port(again, 1, [&](const LocalPort& p) { return p.port != first->port; });
  ASSERT_TRUE(second);
  EXPECT_EQ(second->port, first->port + 1);
}

TEST(LocalPorts, ARunOfPortsInUseIsJumpedOver) {
  std::uint32_t turn = 0;
  int asked = 0;
  const auto found = find_local_port(turn, 1, [&](const LocalPort& p) { return ++asked, p.port > 20000; });
  EXPECT_TRUE(found);
  EXPECT_LT(asked, 60);
}

TEST(LocalPorts, TheSearchEnds) {
  std::uint32_t turn = 7;
  int asked = 0;
  EXPECT_FALSE(find_local_port(turn, 1, [&](const LocalPort&) { return ++asked, false; }));
  EXPECT_EQ(asked, 128);
  EXPECT_NE(turn, 7u);  // the next search looks elsewhere
}

TEST(LocalPorts, NineteenInTwentyInUseIsNotExhaustion) {
  std::uint32_t turn = 0;
  int found = 0;
  for (int i = 0; i < 1000; ++i) {
    if (find_local_port(turn, 1, [](const LocalPort& p) { return p.port % 20 == 0; })) ++found;
  }
  EXPECT_GE(found, 990);
}

}  // namespace
}  // namespace lvsd::ipvs::engine

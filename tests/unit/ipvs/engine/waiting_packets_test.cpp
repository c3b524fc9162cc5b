#include "ipvs/engine/waiting_packets.hpp"

#include <vector>

#include <gmock/gmock.h>

namespace lvsd::ipvs::engine {
namespace {

using namespace std::chrono_literals;
using Added = WaitingPackets::Added;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const base::TimePoint kStart{1000s};
const WaitingPackets::Frame kFirst{1};
const WaitingPackets::Frame kSecond{2};

NextHopKey hop(std::uint32_t last_byte) { return {7, base::IpAddress::v4(0x0a000000 + last_byte)}; }

TEST(WaitingPackets, OnlyTheFirstPacketForANextHopAsksTheKernel) {
  WaitingPackets waiting;
  EXPECT_EQ(waiting.add(hop(1), kFirst, kStart), Added::WaitsAndAsk);
  EXPECT_EQ(waiting.add(hop(1), kSecond, kStart), Added::Waits);
  EXPECT_EQ(waiting.add(hop(2), kFirst, kStart), Added::WaitsAndAsk);
}

TEST(WaitingPackets, AreTakenInTheOrderTheyCameAndOnce) {
  WaitingPackets waiting;
  waiting.add(hop(1), kFirst, kStart);
  waiting.add(hop(1), kSecond, kStart);
  EXPECT_THAT(waiting.take(hop(1)), ElementsAre(kFirst, kSecond));
  EXPECT_THAT(waiting.take(hop(1)), IsEmpty());
  EXPECT_EQ(waiting.size(), 0u);
}

TEST(WaitingPackets, OfOneNextHopAreThreeAtMost) {
  WaitingPackets waiting;
  for (std::size_t i = 0; i < WaitingPackets::kPerNextHop; ++i)
    EXPECT_NE(waiting.add(hop(1), kFirst, kStart), Added::Full);
  EXPECT_EQ(waiting.add(hop(1), kFirst, kStart), Added::Full);
  EXPECT_EQ(waiting.size(), WaitingPackets::kPerNextHop);
}

TEST(WaitingPackets, InAllAreLimitedWhateverTheNextHops) {
  WaitingPackets waiting;
  for (std::uint32_t i = 0; i < WaitingPackets::kInAll; ++i)
    EXPECT_EQ(waiting.add(hop(i), kFirst, kStart), Added::WaitsAndAsk);
  EXPECT_EQ(waiting.add(hop(100'000), kFirst, kStart), Added::Full);
  waiting.take(hop(0));
  EXPECT_EQ(waiting.add(hop(100'000), kFirst, kStart), Added::WaitsAndAsk);
}

TEST(WaitingPackets, AreGivenUpAfterThreeSeconds) {
  WaitingPackets waiting;
  waiting.add(hop(1), kFirst, kStart);
  waiting.add(hop(1), kSecond, kStart + 2s);
  waiting.add(hop(2), kFirst, kStart + 2s);
  EXPECT_EQ(waiting.expire(kStart + 3s - 1ns), 0u);
  EXPECT_EQ(waiting.expire(kStart + 3s), 2u);
  EXPECT_EQ(waiting.size(), 1u);
}

TEST(WaitingPackets, TheKernelIsAskedOnceMoreEverySecond) {
  WaitingPackets waiting;
  waiting.add(hop(1), kFirst, kStart);
  EXPECT_THAT(waiting.ask_again(kStart + 999ms), IsEmpty());
  EXPECT_THAT(waiting.ask_again(kStart + 1s), ElementsAre(hop(1)));
  EXPECT_THAT(waiting.ask_again(kStart + 1s), IsEmpty());
  EXPECT_THAT(waiting.ask_again(kStart + 2s), ElementsAre(hop(1)));
}

}  // namespace
}  // namespace lvsd::ipvs::engine

#include "vrrp/announce.hpp"

#include <algorithm>
#include <span>
#include <vector>

#include <gmock/gmock.h>

#include "base/checksum.hpp"

namespace lvsd::vrrp {
namespace {

using namespace std::chrono_literals;

const base::TimePoint kStart{1h};

// When rounds go out within `span`, relative to the start, if each is sent the moment it is due.
std::vector<base::Duration> rounds(AnnounceSchedule& schedule, base::Duration span) {
  std::vector<base::Duration> result;
  while (schedule.due() && *schedule.due() <= kStart + span) {
    const auto now = *schedule.due();
    result.push_back(now - kStart);
    schedule.sent(now);
  }
  return result;
}

TEST(GratuitousArp, IsABroadcastRequestFromTheAddressForItself) {
  const Frame frame = gratuitous_arp(base::IpAddress::v4(0x0a090064), {{0x02, 0, 0, 0, 0, 0x07}});
  Frame golden{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0,    0, 0,    0, 0x07, 0x08, 0x06,  // Ethernet
               0,    1,    8,    0,    6,    4,    0,    1,                                   // ARP request
               0x02, 0,    0,    0,    0,    0x07, 0x0a, 0x09, 0, 0x64,                       // sender
               0,    0,    0,    0,    0,    0,    0x0a, 0x09, 0, 0x64};                      // target
  golden.resize(60);
  EXPECT_EQ(frame, golden);
}

TEST(UnsolicitedAdvertisement, SaysRouterAndOverrideToAllNodes) {
  const auto address = *base::IpAddress::parse("2001:db8::64");
  const Frame frame = unsolicited_advertisement(address, {{0x02, 0, 0, 0, 0, 0x07}});
  ASSERT_EQ(frame.size(), 86u);
  const Frame ethernet{0x33, 0x33, 0, 0, 0, 1, 0x02, 0, 0, 0, 0, 0x07, 0x86, 0xdd};
  EXPECT_TRUE(std::equal(ethernet.begin(), ethernet.end(), frame.begin()));
  EXPECT_EQ(frame[20], 58);                                                          // ICMPv6
  EXPECT_EQ(frame[21], 255);                                                         // hop limit
  EXPECT_TRUE(std::equal(address.data(), address.data() + 16, frame.begin() + 22));  // from the VIP
  EXPECT_EQ(frame[38], 0xff);                                                        // to ff02::1
  EXPECT_EQ(frame[53], 1);
  EXPECT_EQ(frame[54], 136);
  EXPECT_EQ(frame[58], 0xa0);                                                        // R=1 S=0 O=1
  EXPECT_TRUE(std::equal(address.data(), address.data() + 16, frame.begin() + 62));  // target
  const Frame option{2, 1, 0x02, 0, 0, 0, 0, 0x07};
  EXPECT_TRUE(std::equal(option.begin(), option.end(), frame.begin() + 78));
  const auto sum = base::pseudo_header_sum(address, *base::IpAddress::parse("ff02::1"), 58, 32);
  EXPECT_EQ(base::checksum_finish(base::checksum_add(sum, std::span{frame}.subspan(54))), 0);
}

TEST(Announcement, FollowsTheFamily) {
  EXPECT_EQ(announcement(*base::IpAddress::parse("10.9.0.100"), {}).size(), 60u);
  EXPECT_EQ(announcement(*base::IpAddress::parse("fe80::100"), {}).size(), 86u);
}

TEST(AnnounceSchedule, SendsTwoBurstsAndThenRefreshes) {
  AnnounceSchedule schedule;
  schedule.start({.rounds = 2, .spacing = {}, .repeat_delay = 5s, .refresh = 60s}, kStart);
  EXPECT_THAT(rounds(schedule, 130s), testing::ElementsAre(0s, 20ms, 5s, 5020ms, 65020ms, 125020ms));
}

TEST(AnnounceSchedule, EndsWhenNothingIsToBeRepeated) {
  AnnounceSchedule schedule;
  schedule.start({.rounds = 3}, kStart);
  EXPECT_THAT(rounds(schedule, 1h), testing::ElementsAre(0ms, 20ms, 40ms));
  EXPECT_FALSE(schedule.due());
}

TEST(AnnounceSchedule, AddsARoundWithoutBringingTheSecondBurstForward) {
  AnnounceSchedule schedule;
  schedule.start({.rounds = 1, .repeat_delay = 5s}, kStart);
  schedule.sent(kStart);
  schedule.once(kStart + 1s);
  EXPECT_THAT(rounds(schedule, 1h), testing::ElementsAre(1s, 5s));
}

TEST(AnnounceSchedule, KeepsRoundsApartHoweverOftenItIsAsked) {
  AnnounceSchedule schedule;
  schedule.start({.rounds = 5, .repeat_delay = 5s}, kStart);
  unsigned sent = 0;
  for (auto now = kStart; now < kStart + 1s; now += 1ms) {
    schedule.once(now);
    if (schedule.due() && *schedule.due() <= now) {
      schedule.sent(now);
      ++sent;
    }
  }
  EXPECT_LE(sent, 1s / AnnounceSchedule::kRoundSpacing);
}

TEST(AnnounceSchedule, IsSilentOnceStopped) {
  AnnounceSchedule schedule;
  schedule.start({.rounds = 5, .repeat_delay = 5s, .refresh = 60s}, kStart);
  schedule.stop();
  EXPECT_FALSE(schedule.due());
}

TEST(AnnounceSchedule, HasThePaceThatIsWantedAndNeverAFasterOneThanTheBudget) {
  AnnounceSchedule schedule;
  schedule.start({.rounds = 3, .spacing = 300ms}, kStart);
  schedule.sent(kStart);
  EXPECT_EQ(schedule.due(), kStart + 300ms);
  schedule.start({.rounds = 3, .spacing = 1ms}, kStart + 1s);
  schedule.sent(kStart + 1s);
  EXPECT_EQ(schedule.due(), kStart + 1s + AnnounceSchedule::kRoundSpacing);
}

}  // namespace
}  // namespace lvsd::vrrp

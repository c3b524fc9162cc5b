#include "ipvs/engine/neighbour_book.hpp"

#include <gmock/gmock.h>

namespace lvsd::ipvs::engine {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const base::TimePoint kStart{1000s};
const base::IpAddress kAddress = base::IpAddress::v4(0x0a000001);
const base::MacAddress kMac{{2, 0, 0, 0, 0, 1}};
const base::MacAddress kOtherMac{{2, 0, 0, 0, 0, 2}};
const NextHopKey kKey{7, kAddress};

Neighbour usable(const base::MacAddress& mac = kMac) { return {7, kAddress, mac, true, false}; }
Neighbour failed() { return {7, kAddress, {}, false, true}; }

TEST(NeighbourBook, AFailureOfOneThatWasUsableIsAskedAboutAtOnceInsteadOfReported) {
  NeighbourBook book;
  book.learn(usable(), kStart);
  const auto update = book.learn(failed(), kStart + 1s);
  EXPECT_TRUE(update.ask);
  EXPECT_FALSE(update.neighbour.failed);
  EXPECT_FALSE(update.neighbour.usable);
}

TEST(NeighbourBook, AFailureOfOneThatNeverAnsweredIsReportedAndHeldForASecond) {
  NeighbourBook book;
  const auto update = book.learn(failed(), kStart);
  EXPECT_TRUE(update.neighbour.failed);
  EXPECT_FALSE(update.ask);
  EXPECT_THAT(book.release_failures(kStart + 999ms), IsEmpty());
  EXPECT_THAT(book.release_failures(kStart + 1s), ElementsAre(kKey));
  EXPECT_THAT(book.release_failures(kStart + 2s), IsEmpty()) << "released once";
}

TEST(NeighbourBook, ANeighbourThatCameBackIsNotReleasedAsAFailure) {
  NeighbourBook book;
  book.learn(failed(), kStart);
  book.learn(usable(), kStart + 500ms);
  EXPECT_THAT(book.release_failures(kStart + 5s), IsEmpty());
}

TEST(NeighbourBook, OnlyUsableNeighboursThatWereSentToAreInUse) {
  NeighbourBook book;
  UsedNextHops used;
  book.learn(usable(), kStart);
  EXPECT_THAT(book.in_use(used), IsEmpty());
  used.mark(7, kMac.bytes.data());
  EXPECT_THAT(book.in_use(used), ElementsAre(kKey));
  book.learn(failed(), kStart);
  EXPECT_THAT(book.in_use(used), IsEmpty());
}

TEST(NeighbourBook, FollowsAChangedHardwareAddress) {
  NeighbourBook book;
  UsedNextHops used;
  book.learn(usable(), kStart);
  EXPECT_EQ(book.learn(usable(kOtherMac), kStart).neighbour.mac, kOtherMac);
  used.mark(7, kOtherMac.bytes.data());
  EXPECT_THAT(book.in_use(used), ElementsAre(kKey));
}

TEST(UsedNextHops, TellInterfacesAndAddressesApartAndForgetWhenCleared) {
  UsedNextHops used;
  used.mark(7, kMac.bytes.data());
  EXPECT_TRUE(used.contains(7, kMac));
  EXPECT_FALSE(used.contains(8, kMac));
  EXPECT_FALSE(used.contains(7, kOtherMac));
  used.clear();
  EXPECT_FALSE(used.contains(7, kMac));
}

}  // namespace
}  // namespace lvsd::ipvs::engine

#include "ipvs/engine/neighbour_book.hpp"

#include <gmock/gmock.h>

namespace lvsd::ipvs::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const base::IpAddress kAddress = base::IpAddress::v4(0x0a000001);
const base::MacAddress kMac{{2, 0, 0, 0, 0, 1}};
const base::MacAddress kOtherMac{{2, 0, 0, 0, 0, 2}};
const NextHopKey kKey{7, kAddress};

Neighbour usable(const base::MacAddress& mac = kMac) { return {7, kAddress, mac, true, false}; }
Neighbour failed() { return {7, kAddress, {}, false, true}; }

TEST(NeighbourBook, OnlyTheFailureOfOneThatWasUsableIsAskedAboutAtOnce) {
  NeighbourBook book;
  EXPECT_FALSE(book.learn(failed())) << "it never answered";
  EXPECT_FALSE(book.learn(usable()));
  EXPECT_TRUE(book.learn(failed()));
  EXPECT_FALSE(book.learn(failed())) << "once";
}

TEST(NeighbourBook, OnlyUsableNeighboursThatWereSentToAreInUse) {
  NeighbourBook book;
  UsedNextHops used;
  book.learn(usable());
  EXPECT_THAT(book.in_use(used), IsEmpty());
  used.mark(7, kMac.bytes.data());
  EXPECT_THAT(book.in_use(used), ElementsAre(kKey));
  book.learn(failed());
  EXPECT_THAT(book.in_use(used), IsEmpty());
}

TEST(NeighbourBook, APermanentNeighbourIsNeverAskedAbout) {
  NeighbourBook book;
  UsedNextHops used;
  used.mark(7, kMac.bytes.data());
  book.learn(usable());
  EXPECT_FALSE(book.learn({7, kAddress, kMac, true, false, true}));
  EXPECT_THAT(book.in_use(used), IsEmpty());
  EXPECT_FALSE(book.learn(failed()));
}

TEST(NeighbourBook, FollowsAChangedHardwareAddress) {
  NeighbourBook book;
  UsedNextHops used;
  book.learn(usable());
  book.learn(usable(kOtherMac));
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

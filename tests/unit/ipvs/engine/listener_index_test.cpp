#include "ipvs/engine/listener_index.hpp"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ipvs/engine/services.hpp"
#include "ipvs/names.hpp"
#include "tests/support/frames.hpp"

namespace lvsd::ipvs::engine {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Listener tcp(std::string_view address, std::uint16_t port, std::uint16_t last = 0) {
  return {Protocol::Tcp, {test::ip(address), port}, last};
}

class Listeners : public testing::Test {
 protected:
  LiveService* find(std::uint16_t port, std::string_view address = "198.51.100.1", std::uint8_t protocol = 6) {
    return index.find(protocol, to_packet(test::ip(address)), swap_port(port));
  }
  void sight(std::uint16_t port) { index.sighted(6, to_packet(test::ip("198.51.100.1")), swap_port(port)); }
  std::vector<std::string> lingering() {
    std::vector<Listener> all;
    index.append_lingering(all);
    std::vector<std::string> texts;
    for (const auto& l : all) texts.push_back(text(l));
    std::ranges::sort(texts);
    return texts;
  }

  ListenerIndex index;
  LiveService one, range, every;
};

TEST_F(Listeners, APortIsFoundBeforeItsRangeAndTheRangeBeforeAllPorts) {
  index.take(tcp("198.51.100.1", 0), every);
  index.take(tcp("198.51.100.1", 8000, 8100), range);
  index.take(tcp("198.51.100.1", 8050), one);
  EXPECT_EQ(find(8050), &one);
  EXPECT_EQ(find(8000), &range);
  EXPECT_EQ(find(8100), &range);
  EXPECT_EQ(find(7999), &every);
  EXPECT_EQ(find(8101), &every);
  EXPECT_EQ(find(8050, "198.51.100.2"), nullptr);
  EXPECT_EQ(find(8050, "198.51.100.1", 17), nullptr);
  index.release(tcp("198.51.100.1", 8050), one);
  EXPECT_EQ(find(8050), &range);
  index.release(tcp("198.51.100.1", 8000, 8100), range);
  index.release(tcp("198.51.100.1", 0), every);
  EXPECT_EQ(find(8050), nullptr);
}

TEST_F(Listeners, BothFamiliesAreTold) {
  index.take(tcp("2001:db8::1", 80), one);
  EXPECT_EQ(find(80, "2001:db8::1"), &one);
  EXPECT_EQ(find(80, "2001:db8::2"), nullptr);
}

TEST_F(Listeners, AListenerHasTheServiceThatTookItLast) {
  EXPECT_EQ(index.take(tcp("198.51.100.1", 80), one), nullptr);
  EXPECT_EQ(index.take(tcp("198.51.100.1", 80), range), &one);
  index.release(tcp("198.51.100.1", 80), one);
  EXPECT_EQ(find(80), &range);
}

TEST_F(Listeners, WhatLingersStaysWhileConnectionsAreSighted) {
  index.linger(tcp("198.51.100.1", 80));
  index.refresh();
  EXPECT_TRUE(index.is_virtual(to_packet(test::ip("198.51.100.1"))));
  EXPECT_EQ(find(80), nullptr);
  EXPECT_FALSE(index.end_of_round()) << "it may have come in the middle of the round";
  for (int round = 0; round < 3; ++round) {
    sight(80);
    EXPECT_FALSE(index.end_of_round());
  }
  EXPECT_THAT(lingering(), ElementsAre("tcp 198.51.100.1:80"));
  EXPECT_TRUE(index.end_of_round());
  EXPECT_THAT(lingering(), IsEmpty());
  index.refresh();
  EXPECT_FALSE(index.is_virtual(to_packet(test::ip("198.51.100.1"))));
}

TEST_F(Listeners, WhatIsInForceIsNotTwice) {
  index.linger(tcp("198.51.100.1", 80));
  index.linger(tcp("198.51.100.1", 8000, 8010));
  index.linger(tcp("198.51.100.1", 9000));
  index.take(tcp("198.51.100.1", 80), one);
  index.take(tcp("198.51.100.1", 8000, 8100), range);
  EXPECT_THAT(lingering(), ElementsAre("tcp 198.51.100.1:9000"));
  index.take(tcp("198.51.100.1", 0), every);
  EXPECT_THAT(lingering(), IsEmpty());
}

TEST_F(Listeners, ManyLingeringPortsOfAnAddressAreOneForAll) {
  for (std::uint16_t port = 1000; port < 1065; ++port) index.linger(tcp("198.51.100.1", port));
  EXPECT_THAT(lingering(), ElementsAre("tcp 198.51.100.1:*"));
  EXPECT_TRUE(index.lingers(6, to_packet(test::ip("198.51.100.1")), swap_port(7)));
}

}  // namespace
}  // namespace lvsd::ipvs::engine

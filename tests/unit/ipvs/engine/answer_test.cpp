#include "ipvs/engine/answer.hpp"

#include <gtest/gtest.h>

#include "ipvs/engine/network_order.hpp"
#include "tests/support/frames.hpp"

namespace lvsd::ipvs::engine {
namespace {

using namespace std::chrono_literals;
using test::Bytes;
using test::FrameSpec;

struct Room {
  Room(const FrameSpec& spec, std::uint32_t tailroom) : bytes{make_frame(spec)} {
    packet.length = static_cast<std::uint32_t>(bytes.size());
    packet.tailroom = tailroom;
    bytes.resize(bytes.size() + tailroom);
    packet.data = bytes.data();
    frame = parse({packet.data, packet.length});
  }
  Bytes result() const { return Bytes(packet.data, packet.data + packet.length); }

  Bytes bytes;
  Packet packet;
  Frame frame;
};

TEST(Answer, AnIcmpErrorQuotesThePacketAndGoesBack) {
  FrameSpec spec;
  spec.payload = {1, 2, 3};
  Room room{spec, 64};
  const auto original = room.result();
  ASSERT_TRUE(make_icmp_error(room.packet, room.frame, kPortUnreachable, to_packet(test::ip("198.51.100.1"))));
  const auto answer = room.result();
  ASSERT_EQ(answer.size(), original.size() + 28);
  EXPECT_EQ(Bytes(answer.begin(), answer.begin() + 6), Bytes(original.begin() + 6, original.begin() + 12));
  EXPECT_EQ(Bytes(answer.begin() + 6, answer.begin() + 12), Bytes(original.begin(), original.begin() + 6));
  EXPECT_EQ(answer[15], 0xc0);  // type of service
  EXPECT_EQ(answer[22], 64);
  EXPECT_EQ(answer[23], 1);
  EXPECT_EQ(load32_host(&answer[26]), 0xc6336401u);
  EXPECT_EQ(load32_host(&answer[30]), 0xc000020au);
  EXPECT_EQ(Bytes(answer.begin() + 42, answer.end()), Bytes(original.begin() + 14, original.end()));
  EXPECT_TRUE(test::checksums_hold(answer));
}

TEST(Answer, AnIcmpErrorTakesNoMoreRoomThanThereIs) {
  FrameSpec spec;
  for (std::uint32_t tailroom = 0; tailroom < 40; ++tailroom) {
    Room room{spec, tailroom};
    const auto original = room.result();
    const bool made = make_icmp_error(room.packet, room.frame, kTimeExceeded, WireAddress::v4(1));
    EXPECT_EQ(made, 54 + tailroom >= 14 + 28 + 28) << tailroom;
    EXPECT_EQ(room.packet.length + room.packet.tailroom, 54 + tailroom);
    if (made) {
      EXPECT_TRUE(test::checksums_hold(room.result()));
    } else {
      EXPECT_EQ(room.result(), original);
    }
  }
}

TEST(Answer, AnIcmpErrorHasAtMost576Bytes) {
  FrameSpec spec;
  spec.payload.resize(1400);
  Room room{spec, 0};
  ASSERT_TRUE(make_icmp_error(room.packet, room.frame, too_big(1300), WireAddress::v4(1)));
  EXPECT_EQ(room.packet.length, 14u + 576u);
  EXPECT_EQ(load16_host(room.packet.data + 40), 1300);
}

struct ResetCase {
  const char* what;
  std::uint8_t flags;
  std::size_t payload;
  std::uint8_t answer_flags;
  std::uint32_t sequence;
  std::uint32_t acknowledged;
};

TEST(Answer, AResetFollowsRfc9293) {
  const ResetCase cases[] = {
      {"ACK", test::kAck, 0, test::kRst, 5000, 0},
      {"ACK with data", test::kAck, 10, test::kRst, 5000, 0},
      {"SYN+ACK", test::kSyn | test::kAck, 0, test::kRst, 5000, 0},
      {"SYN", test::kSyn, 0, test::kRst | test::kAck, 0, 1001},
      {"data without ACK", test::kPsh, 10, test::kRst | test::kAck, 0, 1010},
      {"FIN with data", test::kFin, 3, test::kRst | test::kAck, 0, 1004},
  };
  for (const auto& c : cases) {
    FrameSpec spec;
    spec.flags = c.flags;
    spec.acknowledged = 5000;
    spec.payload.resize(c.payload);
    Room room{spec, 0};
    ASSERT_TRUE(make_reset(room.packet, room.frame)) << c.what;
    FrameSpec expected;
    expected.to = test::kClientMac;
    expected.from = test::kFrontMac;
    expected.source = spec.destination;
    expected.destination = spec.source;
    expected.flags = c.answer_flags;
    expected.sequence = c.sequence;
    expected.acknowledged = c.acknowledged;
    const auto answer = room.result();
    const auto wanted = make_frame(expected);
    ASSERT_EQ(answer.size(), wanted.size()) << c.what;
    EXPECT_EQ(Bytes(answer.begin() + 26, answer.begin() + 48), Bytes(wanted.begin() + 26, wanted.begin() + 48))
        << c.what;
    EXPECT_TRUE(test::checksums_hold(answer)) << c.what;
  }
}

TEST(Answer, AResetIsNeverReset) {
  FrameSpec spec;
  spec.flags = test::kRst | test::kAck;
  Room room{spec, 0};
  EXPECT_FALSE(make_reset(room.packet, room.frame));
}

TEST(RateLimit, EarnsWhatTimeAllowsAndSavesOneSecond) {
  RateLimit limit{100};
  base::TimePoint now{1h};
  const auto taken = [&](int wanted) {
    int got = 0;
    for (int i = 0; i < wanted; ++i) got += limit.take(now);
    return got;
  };
  EXPECT_EQ(taken(1000), 100);
  now += 9ms;
  EXPECT_EQ(taken(10), 0);
  now += 1ms;
  EXPECT_EQ(taken(10), 1);
  now += 250ms;
  EXPECT_EQ(taken(1000), 25);
  now += 1h;
  EXPECT_EQ(taken(1000), 100);
}

}  // namespace
}  // namespace lvsd::ipvs::engine

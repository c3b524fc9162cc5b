#include "ipvs/engine/packet_text.hpp"

#include <gtest/gtest.h>

#include "tests/support/director.hpp"

namespace lvsd::ipvs::engine {
namespace {

std::string word(std::uint32_t index) { return "eth" + std::to_string(index); }

TEST(PacketText, NamesEndsFlagsAndPayload) {
  test::FrameSpec spec;
  spec.payload = {1, 2, 3};
  spec.flags = test::kAck;
  spec.source = test::endpoint("192.0.2.10:40000");
  EXPECT_EQ(describe_frame(make_frame(spec)), "tcp 192.0.2.10:40000 > 198.51.100.1:80 ACK, 3 bytes");
  spec.protocol = 17;
  EXPECT_EQ(describe_frame(make_frame(spec)), "udp 192.0.2.10:40000 > 198.51.100.1:80, 3 bytes");
}

TEST(PacketText, SaysWhatAnErrorIsAbout) {
  test::Director director;
  director.serve({test::server(1)});
  test::FrameSpec spec;
  spec.ttl = 1;
  const auto answered = director.push(spec);
  EXPECT_EQ(describe_frame(answered.bytes),
            "icmp 198.51.100.1 > 192.0.2.10 type 11 code 0 about tcp 192.0.2.10:40000 > 198.51.100.1:80");
  EXPECT_EQ(describe_verdict(answered.verdict, word), "answered: ttl_exceeded");
}

TEST(PacketText, EveryTruncatedFrameHasAText) {
  const auto frame = make_frame(test::FrameSpec{});
  for (std::size_t length = 0; length < frame.size(); ++length)
    EXPECT_FALSE(describe_frame(std::span{frame}.first(length)).empty()) << length;
}

TEST(PacketText, SaysWhereAPacketGoes) {
  EXPECT_EQ(describe_verdict({Action::Send, DropReason::None, 3, test::ip("10.0.0.11")}, word),
            "sent through eth3 to 10.0.0.11");
  EXPECT_EQ(describe_verdict({Action::AwaitNextHop, DropReason::None, 3, test::ip("10.0.0.11")}, word),
            "waits for 10.0.0.11 to answer on eth3");
  EXPECT_EQ(describe_verdict({Action::Drop, DropReason::NoServer, 0, {}}, word), "dropped: no_server");
  EXPECT_EQ(describe_verdict({Action::Drop, DropReason::None, 0, {}}, word), "held until its first fragment comes");
  EXPECT_EQ(describe_verdict({Action::ToKernel, DropReason::None, 0, {}}, word), "left to the kernel");
}

}  // namespace
}  // namespace lvsd::ipvs::engine

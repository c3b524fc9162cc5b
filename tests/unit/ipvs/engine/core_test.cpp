// The data path as a whole: frames in, verdicts and frames out.
#include "ipvs/engine/core.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ipvs/engine/frame.hpp"
#include "tests/support/conversation.hpp"

namespace lvsd::ipvs::engine {
namespace {

using namespace std::chrono_literals;
using test::Check;
using test::datagram;
using test::Director;
using test::forwarded;
using test::FrameSpec;
using test::from_client;
using test::from_server;
using test::kAck;
using test::kBack;
using test::kFront;
using test::kRst;
using test::kSyn;
using test::server;

TEST(Core, NatRewritesBothWaysAndDecrementsTheTtl) {
  Director director;
  director.serve({server(1)});
  const auto there = director.push(from_client(kSyn));
  EXPECT_EQ(there.verdict.action, Action::Send);
  EXPECT_EQ(there.verdict.interface, kBack);
  EXPECT_EQ(there.bytes, make_frame(forwarded(from_client(kSyn), 1)));

  const auto back = director.push(from_server(kSyn | kAck), kBack);
  EXPECT_EQ(back.verdict.action, Action::Send);
  EXPECT_EQ(back.verdict.interface, kFront);
  auto expected = from_server(kSyn | kAck);
  expected.to = test::kClientMac;
  expected.from = test::kFrontMac;
  expected.source = test::endpoint("198.51.100.1:80");
  --expected.ttl;
  EXPECT_EQ(back.bytes, make_frame(expected));
}

TEST(Core, DrChangesNothingButMacAndTtl) {
  Director director;
  director.serve({server(1, Method::Dr)});
  const auto sent = director.push(from_client(kSyn));
  EXPECT_EQ(sent.verdict.action, Action::Send);
  EXPECT_EQ(sent.bytes, make_frame(forwarded(from_client(kSyn), 1, Method::Dr)));
  EXPECT_THAT(director->take_flow_changes(), testing::IsEmpty());
}

TEST(Core, DrCompletesAnIncompleteChecksum) {
  Director director;
  director.serve({server(1, Method::Dr)});
  auto spec = from_client(kSyn);
  spec.check = Check::PseudoHeaderOnly;
  EXPECT_EQ(director.push(spec).bytes, make_frame(forwarded(from_client(kSyn), 1, Method::Dr)));
}

TEST(Core, PaddingAndPriorityTagAreLeftOut) {
  Director director;
  director.serve({server(1)});
  auto spec = from_client(kSyn);
  spec.padding = 6;
  spec.vlan = 0;
  EXPECT_EQ(director.push(spec).bytes, make_frame(forwarded(from_client(kSyn), 1)));
}

TEST(Core, OtherTrafficGoesToTheKernelUnchanged) {
  Director director;
  director.serve({server(1)});
  auto other_port = from_client(kSyn);
  other_port.destination.port = 22;
  auto routed = from_server(kSyn);
  for (const auto& spec : {other_port, routed}) {
    const auto result = director.push(spec);
    EXPECT_EQ(result.verdict.action, Action::ToKernel);
    EXPECT_EQ(result.bytes, make_frame(spec));
  }
  EXPECT_EQ(director->connection_entries(), 0u);
}

TEST(Core, NatFlowsAreAnnouncedAndTakenBack) {
  Director director;
  director.serve({server(1)});
  director.push(from_client(kSyn));
  const FlowKey flow{Protocol::Tcp, test::endpoint("10.0.0.11:8080"), test::endpoint("192.0.2.10:40000")};
  auto changes = director->take_flow_changes();
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].kind, FlowChange::Kind::Add);
  EXPECT_EQ(changes[0].flow, flow);
  ASSERT_EQ(director->live_flows().size(), 1u);
  EXPECT_EQ(director->live_flows()[0].flow, flow);

  director.now += 61s;  // SYN_RECV lasts 60
  director->expire(director.now, 100);
  changes = director->take_flow_changes();
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].kind, FlowChange::Kind::Remove);
  EXPECT_EQ(changes[0].flow, flow);
}

TEST(Core, MidStreamPacketsOfNobodyAreReset) {
  Director director;
  director.serve({server(1)});
  auto spec = from_client(kAck);
  spec.acknowledged = 77;
  const auto answer = director.push(spec);
  EXPECT_EQ(answer.verdict.action, Action::Send);
  EXPECT_EQ(answer.verdict.interface, kFront);
  EXPECT_EQ(answer.verdict.reason, DropReason::NoConnection);
  EXPECT_EQ(answer.bytes[47], kRst);
  EXPECT_TRUE(test::checksums_hold(answer.bytes));
  EXPECT_EQ(director.push(from_client(kRst)).verdict.action, Action::Drop);
  EXPECT_EQ(director.push(from_client(kSyn | kRst)).verdict.action, Action::Drop);
  EXPECT_EQ(director.drops(DropReason::NoConnection), 3u);
  EXPECT_EQ(director->connection_entries(), 0u);
}

TEST(Core, WithoutAServerTheClientIsToldPortUnreachable) {
  Director director;
  director.serve({});
  for (const auto& spec : {from_client(kSyn), datagram()}) {
    const auto answer = director.push(spec);
    EXPECT_EQ(answer.verdict.action, Action::Send);
    EXPECT_EQ(answer.verdict.reason, DropReason::NoServer);
    EXPECT_EQ(answer.bytes[34], 3);
    EXPECT_EQ(answer.bytes[35], 3);
    EXPECT_TRUE(test::checksums_hold(answer.bytes));
  }
  EXPECT_EQ(director.drops(DropReason::NoServer), 2u);
}

TEST(Core, AnswersAreLimitedInRate) {
  Director director;
  director.serve({});
  int answered = 0;
  for (int i = 0; i < 1500; ++i) answered += director.push(datagram()).verdict.action == Action::Send;
  EXPECT_EQ(answered, 1000);
  EXPECT_EQ(director.drops(DropReason::NoServer), 1500u);
  director.now += 10ms;
  answered = 0;
  for (int i = 0; i < 20; ++i) answered += director.push(datagram()).verdict.action == Action::Send;
  EXPECT_EQ(answered, 10);
}

TEST(Core, PacketsThatCannotBeAreDroppedAndCounted) {
  const auto dropped = [](const FrameSpec& spec, DropReason reason) {
    Director director;
    director.serve({server(1)});
    const auto result = director.push(spec);
    EXPECT_EQ(result.verdict.action, Action::Drop) << name(reason);
    EXPECT_EQ(result.verdict.reason, reason) << name(reason);
    EXPECT_EQ(director.drops(reason), 1u) << name(reason);
    EXPECT_EQ(director->connection_entries(), 0u);
  };
  for (const auto* source : {"127.0.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255", "198.51.100.1"}) {
    auto spec = from_client(kSyn);
    spec.source.address = test::ip(source);
    dropped(spec, DropReason::Spoofed);
  }
  auto routed = from_client(kSyn);
  routed.options = {131, 3, 4, 0};
  dropped(routed, DropReason::IpOptions);
}

TEST(Core, TtlThatEndsHereIsAnsweredInTheNameOfTheVirtualAddress) {
  Director director;
  director.serve({server(1)});
  auto spec = from_client(kSyn);
  spec.ttl = 1;
  const auto answer = director.push(spec);
  EXPECT_EQ(answer.verdict.reason, DropReason::TtlExceeded);
  EXPECT_EQ(answer.verdict.action, Action::Send);
  EXPECT_EQ(load32_host(&answer.bytes[26]), 0xc6336401u);
  EXPECT_EQ(answer.bytes[34], 11);
  EXPECT_TRUE(test::checksums_hold(answer.bytes));
  // It quotes the packet as it came.
  const auto original = make_frame(spec);
  EXPECT_TRUE(std::equal(original.begin() + 14, original.end(), answer.bytes.begin() + 42));
}

TEST(Core, TooLargePacketsAreAnsweredOrDroppedByTheirDfBit) {
  Director director;
  director.serve({server(1)});
  director->next_hops().replace_interfaces({{kFront, test::kFrontMac, 1500, true, true, {test::ip("192.0.2.1")}},
                                            {kBack, test::kBackMac, 1000, true, true, {}}});
  auto spec = datagram();
  spec.payload.resize(973);  // 1001 bytes
  const auto answer = director.push(spec);
  EXPECT_EQ(answer.verdict.action, Action::Send);
  EXPECT_EQ(answer.verdict.reason, DropReason::TooBig);
  EXPECT_EQ(answer.bytes[35], 4);
  EXPECT_EQ(load16_host(&answer.bytes[40]), 1000);
  EXPECT_EQ(answer.bytes.size(), 14u + 576u);
  EXPECT_TRUE(test::checksums_hold(answer.bytes));
  spec.fragment = 0;
  EXPECT_EQ(director.push(spec).verdict.action, Action::Drop);
  spec.payload.resize(972);
  EXPECT_EQ(director.push(spec).verdict.reason, DropReason::None);
}

TEST(Core, AnUnresolvedNextHopIsAwaited) {
  Director director;
  director.serve({server(4)});
  const auto result = director.push(from_client(kSyn));
  EXPECT_EQ(result.verdict.action, Action::AwaitNextHop);
  EXPECT_EQ(result.verdict.interface, kBack);
  EXPECT_EQ(result.verdict.next_hop, test::ip("10.0.0.14"));
  // But for the destination's MAC the frame is ready.
  auto expected = make_frame(forwarded(from_client(kSyn), 4));
  std::fill(expected.begin(), expected.begin() + 6, std::uint8_t{0});
  EXPECT_EQ(result.bytes, expected);
  director->next_hops().set_neighbour({kBack, test::ip("10.0.0.14"), test::server_mac(4), true, false});
  EXPECT_EQ(director.push(from_client(kSyn)).verdict.action, Action::Send);
}

TEST(Core, WithoutARouteTheClientIsToldHostUnreachable) {
  Director director;
  auto far = server(1);
  far.method = Method::Dr;
  far.address.address = test::ip("203.0.113.5");  // only by a gateway: not for DR
  director.serve({far});
  const auto answer = director.push(from_client(kSyn));
  EXPECT_EQ(answer.verdict.reason, DropReason::NoRoute);
  EXPECT_EQ(answer.bytes[34], 3);
  EXPECT_EQ(answer.bytes[35], 1);
}

TEST(Core, ABatchIsForwardedLikeSinglePackets) {
  constexpr std::uint16_t kPackets = 150;  // more than two batches
  Director single;
  Director batched;
  for (auto* director : {&single, &batched}) director->serve({server(1), server(2), server(3, Method::Dr)});
  std::vector<test::Bytes> frames;
  for (std::uint16_t i = 0; i < kPackets; ++i)
    frames.push_back(make_frame(from_client(i % 3 == 2 ? kAck : kSyn, i / 3)));
  std::vector<Packet> packets;
  for (auto& f : frames) packets.push_back({f.data(), static_cast<std::uint32_t>(f.size()), 0, 0, kFront});
  const auto originals = frames;
  std::vector<Verdict> verdicts(packets.size());
  batched->forward(packets, verdicts, batched.now);
  for (std::size_t i = 0; i < kPackets; ++i) {
    const auto expected = single.push(originals[i]);
    EXPECT_EQ(verdicts[i].action, expected.verdict.action) << i;
    EXPECT_EQ(test::Bytes(packets[i].data, packets[i].data + packets[i].length), expected.bytes) << i;
  }
}

}  // namespace
}  // namespace lvsd::ipvs::engine

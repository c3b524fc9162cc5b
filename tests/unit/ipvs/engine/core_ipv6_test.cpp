// The same core with IPv6.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ipvs/engine/core.hpp"
#include "tests/support/director.hpp"

namespace lvsd::ipvs::engine {
namespace {

using test::Bytes;
using test::Director;
using test::endpoint;
using test::FrameSpec;
using test::ip;
using test::kAck;
using test::kBack;
using test::kFront;
using test::kSyn;

constexpr std::uint8_t kUdp = 17;

FrameSpec from_client(std::uint8_t flags = kSyn, std::uint8_t protocol = 6) {
  FrameSpec spec;
  spec.protocol = protocol;
  spec.source = endpoint("[2001:db8:c::10]:40000");
  spec.destination = endpoint(protocol == 6 ? "[2001:db8:1::1]:80" : "[2001:db8:1::1]:53");
  spec.flags = flags;
  return spec;
}

FrameSpec from_server(std::uint8_t flags, std::uint8_t protocol = 6) {
  FrameSpec spec;
  spec.protocol = protocol;
  spec.to = test::kBackMac;
  spec.from = test::server_mac(1);
  spec.source = {test::server_address(1, true), 8080};
  spec.destination = endpoint("[2001:db8:c::10]:40000");
  spec.flags = flags;
  return spec;
}

void serve(Director& director, Method method) {
  const std::vector<Listener> listeners{{Protocol::Tcp, endpoint("[2001:db8:1::1]:80")},
                                        {Protocol::Udp, endpoint("[2001:db8:1::1]:53")}};
  const base::Endpoint address{test::server_address(1, true),
                               static_cast<std::uint16_t>(method == Method::Nat ? 8080 : 0)};
  director.apply({AddService{test::service("six", listeners)}, AddServer{"six", {"s1", address, method, 1}}});
}

TEST(CoreIpv6, NatRewritesBothDirections) {
  for (const auto protocol : {std::uint8_t{6}, kUdp}) {
    Director director;
    serve(director, Method::Nat);
    const auto there = director.push(from_client(kSyn, protocol));
    auto expected = from_client(kSyn, protocol);
    expected.to = test::server_mac(1);
    expected.from = test::kBackMac;
    expected.destination = {test::server_address(1, true), 8080};
    --expected.ttl;
    EXPECT_EQ(there.verdict.action, Action::Send);
    EXPECT_EQ(there.bytes, make_frame(expected)) << int{protocol};
    const auto changes = director->take_flow_changes();
    ASSERT_EQ(changes.size(), 1u);
    EXPECT_EQ(changes[0].flow.server, expected.destination);
    EXPECT_EQ(changes[0].flow.client, expected.source);

    const auto back = director.push(from_server(kSyn | kAck, protocol), kBack);
    auto reply = from_server(kSyn | kAck, protocol);
    reply.to = test::kClientMac;
    reply.from = test::kFrontMac;
    reply.source = from_client(kSyn, protocol).destination;
    --reply.ttl;
    EXPECT_EQ(back.bytes, make_frame(reply)) << int{protocol};
  }
}

TEST(CoreIpv6, DrChangesNothingButMacAndHopLimit) {
  Director director;
  serve(director, Method::Dr);
  auto expected = from_client();
  expected.to = test::server_mac(1);
  expected.from = test::kBackMac;
  --expected.ttl;
  EXPECT_EQ(director.push(from_client()).bytes, make_frame(expected));
}

TEST(CoreIpv6, ConnectionsSurviveARestart) {
  Director director;
  serve(director, Method::Nat);
  director.push(from_client());
  const auto before = director.push(from_client(kAck));
  director.restart();
  serve(director, Method::Nat);
  EXPECT_EQ(director->connection_entries(), 1u);
  EXPECT_EQ(director.push(from_client(kAck)).bytes, before.bytes);
  const auto listed = director->connections({}, director.now);
  ASSERT_EQ(listed.connections.size(), 1u);
  EXPECT_EQ(listed.connections[0].client, endpoint("[2001:db8:c::10]:40000"));
  EXPECT_EQ(listed.connections[0].server_address, (base::Endpoint{test::server_address(1, true), 8080}));
}

TEST(CoreIpv6, SourcesThatCannotBeAreDropped) {
  for (const auto* source : {"::", "::1", "ff02::1", "fe80::1", "::ffff:192.0.2.10", "2001:db8:1::1"}) {
    Director director;
    serve(director, Method::Dr);
    auto spec = from_client();
    spec.source.address = ip(source);
    EXPECT_EQ(director.push(spec).verdict.reason, DropReason::Spoofed) << source;
  }
}

// RFC 4443: type, code, the packet, and a checksum with its pseudo-header.
void expect_icmp(const Bytes& answer, std::uint8_t type, std::uint8_t code, const FrameSpec& about) {
  ASSERT_GT(answer.size(), 62u);
  EXPECT_EQ(answer[14 + 6], 58);
  EXPECT_EQ(answer[54], type);
  EXPECT_EQ(answer[55], code);
  EXPECT_TRUE(test::checksums_hold(answer));
  const auto quoted = make_frame(about);
  EXPECT_EQ(Bytes(answer.begin() + 62, answer.end()),
            Bytes(quoted.begin() + 14, quoted.begin() + 14 + static_cast<std::ptrdiff_t>(answer.size()) - 62));
}

TEST(CoreIpv6, TheDirectorAnswersAsARouterAndAsAHost) {
  Director director;
  serve(director, Method::Nat);
  auto last_hop = from_client();
  last_hop.ttl = 1;
  expect_icmp(director.push(last_hop).bytes, 3, 0, last_hop);

  director.push(from_client(kSyn, kUdp));
  auto big = from_client(kSyn, kUdp);
  big.payload = Bytes(1453);  // 1501 bytes
  auto quoted = big;
  --quoted.ttl;
  const auto too_big = director.push(big);
  expect_icmp(too_big.bytes, 2, 0, quoted);
  EXPECT_EQ(too_big.bytes.size(), 14 + 1280u);
  EXPECT_EQ(too_big.bytes[60] << 8 | too_big.bytes[61], 1500);

  director.apply({RemoveServer{"six", "s1"}});
  auto other = from_client();
  other.source.port = 1;
  expect_icmp(director.push(other).bytes, 1, 4, other);

  auto stranger = from_client(kAck);
  stranger.source.port = 2;
  const auto answer = director.push(stranger).bytes;
  EXPECT_TRUE(test::checksums_hold(answer));
  EXPECT_EQ(answer[54 + 13], test::kRst);
}

}  // namespace
}  // namespace lvsd::ipvs::engine

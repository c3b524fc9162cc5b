// Method tun through the whole core: what the server's end of the tunnel gets, sizes, and errors from the way.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ipvs/engine/core.hpp"
#include "ipvs/engine/frame.hpp"
#include "tests/support/director.hpp"
#include "tests/support/reference_decapsulator.hpp"

namespace lvsd::ipvs::engine {
namespace {

using namespace std::chrono_literals;
using test::Bytes;
using test::Director;
using test::endpoint;
using test::FrameSpec;
using test::ip;
using test::kBack;
using test::kFront;

const Tunnel kIpip{};
const Tunnel kGue{TunnelKind::Gue, 6080, TunnelChecksum::Full};
const Tunnel kGre{TunnelKind::Gre, 0, TunnelChecksum::None};

RealServer tun_server(const Tunnel& tunnel, bool v6 = false) {
  RealServer server{"s1", {test::server_address(1, v6), 0}, Method::Tun, 1, false};
  server.options.tunnel = tunnel;
  return server;
}

// The packet as the core leaves it, with Ethernet header and one hop less.
Bytes inner_of(FrameSpec spec) {
  --spec.ttl;
  const auto frame = test::make_frame(spec);
  return Bytes(frame.begin() + 14, frame.end());
}

FrameSpec v4_datagram(std::size_t payload = 20, std::uint16_t fragment = 0x4000) {
  FrameSpec spec;
  spec.protocol = 17;
  spec.destination = endpoint("198.51.100.1:53");
  spec.payload = Bytes(payload, 0x61);
  spec.fragment = fragment;
  return spec;
}
FrameSpec v6_datagram(std::size_t payload = 20) {
  auto spec = v4_datagram(payload);
  spec.source = endpoint("[2001:db8:c::10]:40000");
  spec.destination = endpoint("[2001:db8:1::1]:53");
  return spec;
}

void serve(Director& director, const RealServer& server, bool v6 = false) {
  const auto address = v6 ? "[2001:db8:1::1]:53" : "198.51.100.1:53";
  director.apply({AddService{test::service("dns", {{Protocol::Udp, endpoint(address)}})}, AddServer{"dns", server}});
}

TEST(CoreTun, TheServerGetsTheClientsPacketWhateverTheTunnelAndTheFamilies) {
  for (const auto& tunnel : {kIpip, kGue, kGre}) {
    for (const bool outer_v6 : {false, true}) {
      for (const bool inner_v6 : {false, true}) {
        Director director;
        serve(director, tun_server(tunnel, outer_v6), inner_v6);
        const auto spec = inner_v6 ? v6_datagram() : v4_datagram();
        const auto result = director.push(spec);
        ASSERT_EQ(result.verdict.action, Action::Send);
        EXPECT_EQ(result.verdict.interface, kBack);
        const auto arrived = test::decapsulate(result.bytes);
        ASSERT_TRUE(arrived);
        EXPECT_EQ(arrived->inner, inner_of(spec));
        EXPECT_EQ(arrived->destination, test::server_address(1, outer_v6));
        EXPECT_EQ(arrived->source, ip(outer_v6 ? "2001:db8:5::1" : "10.0.0.1"));
        EXPECT_EQ(arrived->hop_limit, 63);
        const auto mac = test::server_mac(1);
        EXPECT_TRUE(std::equal(mac.bytes.begin(), mac.bytes.end(), result.bytes.begin()));
      }
    }
  }
}

TEST(CoreTun, APartialChecksumInsideIsCompleted) {
  Director director;
  serve(director, tun_server(kIpip));
  auto spec = v4_datagram();
  spec.check = test::Check::PseudoHeaderOnly;
  const auto arrived = test::decapsulate(director.push(spec).bytes);
  spec.check = test::Check::Complete;
  ASSERT_TRUE(arrived);
  EXPECT_EQ(arrived->inner, inner_of(spec));
}

TEST(CoreTun, TheOuterSourceIsNoVirtualAddress) {
  Director director;
  director->next_hops().replace_interfaces(
      {{kFront, test::kFrontMac, 1500, true, true, {ip("192.0.2.1")}},
       {kBack, test::kBackMac, 1500, true, true, {ip("198.51.100.1"), ip("10.0.0.1")}}});
  serve(director, tun_server(kIpip));
  const auto arrived = test::decapsulate(director.push(v4_datagram()).bytes);
  ASSERT_TRUE(arrived);
  EXPECT_EQ(arrived->source, ip("10.0.0.1"));
}

TEST(CoreTun, APacketThatDoesNotFitTheTunnelIsAnsweredWithWhatFits) {
  Director director;
  serve(director, tun_server(kGue));
  EXPECT_EQ(director.push(v4_datagram(1468 - 28)).verdict.reason, DropReason::None);
  const auto answer = director.push(v4_datagram(1469 - 28));
  EXPECT_EQ(answer.verdict.reason, DropReason::TooBig);
  EXPECT_EQ(answer.verdict.interface, kFront);
  EXPECT_EQ(answer.bytes[34], 3);
  EXPECT_EQ(answer.bytes[35], 4);
  EXPECT_EQ(load16_host(&answer.bytes[40]), 1468);
}

TEST(CoreTun, APacketThatMayBeFragmentedLeavesInOuterFragments) {
  Director director;
  serve(director, tun_server(kIpip));
  const auto spec = v4_datagram(1472, 0);
  const auto first = director.push(spec);
  ASSERT_EQ(first.verdict.action, Action::Send);
  const auto rest = director->take_extra_frames();
  ASSERT_EQ(rest.size(), 1u);
  // Joined again by hand: 1480 bytes of payload in the first, the rest in the second.
  EXPECT_EQ(first.bytes.size(), 14u + 1500u);
  EXPECT_EQ(load16_host(&first.bytes[14 + 6]), 0x2000);
  EXPECT_EQ(load16_host(&rest[0].bytes[14 + 6]), 185);
  EXPECT_NE(load16_host(&first.bytes[14 + 4]), 0);
  Bytes inner(first.bytes.begin() + 34, first.bytes.end());
  inner.insert(inner.end(), rest[0].bytes.begin() + 34, rest[0].bytes.end());
  EXPECT_EQ(inner, inner_of(spec));
}

TEST(CoreTun, NoIpv6SenderIsAskedForLessThan1280) {
  Director director;
  director->next_hops().replace_interfaces({{kFront, test::kFrontMac, 1500, true, true, {ip("2001:db8:c::1")}},
                                            {kBack, test::kBackMac, 1280, true, true, {ip("10.0.0.1")}}});
  serve(director, tun_server(kIpip), true);
  const auto answer = director.push(v6_datagram(1281 - 48));
  EXPECT_EQ(answer.verdict.reason, DropReason::TooBig);
  EXPECT_EQ(load32_host(&answer.bytes[14 + 40 + 4]), 1280u);
  EXPECT_EQ(director.push(v6_datagram(1280 - 48)).verdict.action, Action::Send);
  EXPECT_EQ(director->take_extra_frames().size(), 1u);
}

// What a router on the way says about an outer packet, of which it quotes `quoted` bytes.
Bytes error_about(const Bytes& sent, std::uint8_t type, std::uint8_t code, std::uint32_t mtu, std::size_t quoted) {
  const bool v4 = sent[13] == 0;
  FrameSpec around;
  around.to = test::kBackMac;
  around.from = test::server_mac(9);
  around.source = {ip(v4 ? "10.0.0.254" : "2001:db8:5::254"), 0};
  around.destination = {ip(v4 ? "10.0.0.1" : "2001:db8:5::1"), 0};
  return test::make_icmp(around, type, code, mtu, std::span{sent}.subspan(14, std::min(quoted, sent.size() - 14)));
}

TEST(CoreTun, ASmallerPathIsLearntAndTheClientHearsOfItAtOnce) {
  for (const auto& tunnel : {kIpip, kGue, kGre}) {
    Director director;
    serve(director, tun_server(tunnel));
    const auto spec = v4_datagram(1400);
    const auto sent = director.push(spec).bytes;
    const auto overhead = sent.size() - 14 - inner_of(spec).size();
    const auto told = director.push(error_about(sent, 3, 4, 1400, 100), kBack);
    ASSERT_EQ(told.verdict.action, Action::Send);
    EXPECT_EQ(told.verdict.interface, kFront);
    EXPECT_TRUE(test::checksums_hold(told.bytes));
    const auto mac = test::kClientMac;
    EXPECT_TRUE(std::equal(mac.bytes.begin(), mac.bytes.end(), told.bytes.begin()));
    EXPECT_EQ(Bytes(told.bytes.begin() + 26, told.bytes.begin() + 34), (Bytes{198, 51, 100, 1, 192, 0, 2, 10}));
    EXPECT_EQ(told.bytes[34], 3);
    EXPECT_EQ(told.bytes[35], 4);
    EXPECT_EQ(load16_host(&told.bytes[40]), 1400 - overhead);
    const auto inner = inner_of(spec);
    EXPECT_TRUE(std::equal(told.bytes.begin() + 42, told.bytes.end(), inner.begin()));
    // The next one is stopped here.
    EXPECT_EQ(load16_host(&director.push(spec).bytes[40]), 1400 - overhead);
    EXPECT_EQ(director.push(v4_datagram(1400 - overhead - 28)).verdict.reason, DropReason::None);
    // Nobody says that a way has become wider.
    director.push(error_about(sent, 3, 4, 1450, 100), kBack);
    EXPECT_EQ(load16_host(&director.push(spec).bytes[40]), 1400 - overhead);
    // After ten minutes the way is tried again.
    director.now += 601s;
    EXPECT_EQ(director.push(spec).verdict.reason, DropReason::None);
  }
}

TEST(CoreTun, ASmallerPathOfAnIpv6TunnelIsLearntToo) {
  Director director;
  serve(director, tun_server(kGre, true));
  const auto spec = v4_datagram(1400);
  const auto sent = director.push(spec).bytes;
  const auto told = director.push(error_about(sent, 2, 0, 1300, 200), kBack);
  ASSERT_EQ(told.verdict.action, Action::Send);
  EXPECT_EQ(load16_host(&told.bytes[40]), 1300 - 44);
  EXPECT_TRUE(test::checksums_hold(told.bytes));
  // No IPv6 way is narrower than 1280 (RFC 8201 §4).
  director.push(error_about(sent, 2, 0, 600, 200), kBack);
  EXPECT_EQ(load16_host(&director.push(spec).bytes[40]), 1280 - 44);
}

TEST(CoreTun, TimeThatEndedInTheTunnelIsRelayedForTraceroute) {
  Director director;
  serve(director, tun_server(kIpip));
  const auto sent = director.push(v4_datagram()).bytes;
  const auto told = director.push(error_about(sent, 11, 0, 0, 100), kBack);
  ASSERT_EQ(told.verdict.action, Action::Send);
  EXPECT_EQ(told.bytes[34], 11);
  const auto unreachable = director.push(error_about(sent, 3, 2, 0, 100), kBack);
  EXPECT_EQ(unreachable.bytes[34], 3);
  EXPECT_EQ(unreachable.bytes[35], 1);
}

TEST(CoreTun, AnErrorAboutNoConnectionIsLeftToTheKernel) {
  Director director;
  serve(director, tun_server(kIpip));
  auto sent = director.push(v4_datagram(1400)).bytes;
  auto forged = sent;
  forged[14 + 20 + 20] ^= 1;  // another client port
  EXPECT_EQ(director.push(error_about(forged, 3, 4, 600, 100), kBack).verdict.action, Action::ToKernel);
  forged = sent;
  forged[14 + 19] ^= 1;  // another server
  EXPECT_EQ(director.push(error_about(forged, 3, 4, 600, 100), kBack).verdict.action, Action::ToKernel);
  EXPECT_EQ(director.push(v4_datagram(1400)).verdict.reason, DropReason::None);
}

TEST(CoreTun, AnErrorThatIsDamagedTeachesNothing) {
  Director director;
  serve(director, tun_server(kIpip));
  const auto sent = director.push(v4_datagram(1400)).bytes;
  auto error = error_about(sent, 3, 4, 600, 100);
  error[14 + 20 + 7] ^= 1;
  EXPECT_EQ(director.push(error, kBack).verdict.reason, DropReason::Malformed);
  EXPECT_EQ(director.push(v4_datagram(1400)).verdict.reason, DropReason::None);
}

TEST(CoreTun, ConnectionsGoOnThroughTheirTunnelInTheNextProcess) {
  Director director;
  serve(director, tun_server(kGue));
  director.push(v4_datagram());
  director.restart();
  serve(director, test::server(2, Method::Dr));
  const auto arrived = test::decapsulate(director.push(v4_datagram()).bytes);
  ASSERT_TRUE(arrived);
  EXPECT_EQ(arrived->destination_port, 6080);
  EXPECT_TRUE(arrived->has_checksum);
  EXPECT_EQ(arrived->destination, test::server_address(1));
}

}  // namespace
}  // namespace lvsd::ipvs::engine

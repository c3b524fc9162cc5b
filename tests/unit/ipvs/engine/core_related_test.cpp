// Packets that belong to a connection without having its ports: fragments and ICMP errors, in both families.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ipvs/engine/core.hpp"
#include "tests/support/director.hpp"

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

class Related : public testing::TestWithParam<bool> {
 protected:
  bool v6() const { return GetParam(); }
  base::Endpoint client() const { return endpoint(v6() ? "[2001:db8:c::10]:40000" : "192.0.2.10:40000"); }
  base::Endpoint router() const { return {ip(v6() ? "2001:db8:c::99" : "192.0.2.99"), 0}; }
  base::Endpoint vip() const { return endpoint(v6() ? "[2001:db8:1::1]:53" : "198.51.100.1:53"); }
  base::Endpoint real() const { return {test::server_address(1, v6()), 8080}; }

  FrameSpec packet(const base::Endpoint& from, const base::Endpoint& to, std::size_t payload = 64) const {
    FrameSpec spec;
    spec.protocol = 17;
    spec.source = from;
    spec.destination = to;
    spec.payload = Bytes(payload);
    for (std::size_t i = 0; i < payload; ++i) spec.payload[i] = static_cast<std::uint8_t>(i * 7);
    return spec;
  }
  FrameSpec from_client(std::size_t payload = 64) const { return packet(client(), vip(), payload); }
  FrameSpec from_server(std::size_t payload = 64) const {
    auto spec = packet(real(), client(), payload);
    spec.to = test::kBackMac;
    spec.from = test::server_mac(1);
    return spec;
  }
  FrameSpec to_server(FrameSpec spec) const {
    spec.to = test::server_mac(1);
    spec.from = test::kBackMac;
    spec.destination = real();
    --spec.ttl;
    return spec;
  }
  FrameSpec to_client(FrameSpec spec) const {
    spec.to = test::kClientMac;
    spec.from = test::kFrontMac;
    spec.source = vip();
    --spec.ttl;
    return spec;
  }
  void serve(Director& director, Method method) const {
    const base::Endpoint server{real().address, static_cast<std::uint16_t>(method == Method::Nat ? 8080 : 0)};
    director.apply(
        {AddService{test::service("dns", {{Protocol::Udp, vip()}})}, AddServer{"dns", {"s1", server, method, 1}}});
  }
  // The IP packet in a frame.
  static Bytes packet_of(const FrameSpec& spec, std::size_t most = 2000) {
    const auto frame = make_frame(spec);
    return Bytes(frame.begin() + 14, frame.begin() + static_cast<std::ptrdiff_t>(std::min(frame.size(), 14 + most)));
  }
  std::uint8_t unreachable() const { return v6() ? 1 : 3; }
};

TEST_P(Related, FragmentsFollowTheirFirstOneInBothDirections) {
  Director director;
  serve(director, Method::Nat);
  for (const bool reply : {false, true}) {
    const auto original = reply ? from_server(400) : from_client(400);
    const auto expected = test::cut(make_frame(reply ? to_client(original) : to_server(original)), {64, 128});
    const auto sent = test::cut(make_frame(original), {64, 128});
    for (std::size_t i = 0; i < sent.size(); ++i) {
      const auto result = director.push(sent[i], reply ? kBack : kFront);
      EXPECT_EQ(result.verdict.action, Action::Send) << i;
      EXPECT_EQ(result.bytes, expected[i]) << i << reply;
    }
  }
  const auto statistics = director->status().front().statistics;
  EXPECT_EQ(statistics.in_packets, 3u);
  EXPECT_EQ(statistics.out_packets, 3u);
}

TEST_P(Related, AFragmentBeforeItsFirstOneWaitsForIt) {
  Director director;
  serve(director, Method::Nat);
  const auto sent = test::cut(make_frame(from_client(400)), {64, 128});
  const auto expected = test::cut(make_frame(to_server(from_client(400))), {64, 128});
  EXPECT_EQ(director.push(sent[2]).verdict.action, Action::Drop);
  EXPECT_EQ(director.push(sent[1]).verdict.action, Action::Drop);
  EXPECT_EQ(director.drops(DropReason::Fragment), 0u);
  EXPECT_EQ(director.push(sent[0]).bytes, expected[0]);
  const auto extra = director.extra();
  ASSERT_EQ(extra.size(), 2u);
  EXPECT_EQ(extra[0].bytes, expected[2]);
  EXPECT_EQ(extra[1].bytes, expected[1]);
  EXPECT_EQ(extra[0].verdict.action, Action::Send);
}

TEST_P(Related, AFragmentThatWaitsTooLongIsCounted) {
  Director director;
  serve(director, Method::Nat);
  const auto sent = test::cut(make_frame(from_client(400)), {64});
  director.push(sent[1]);
  director.now += 2s;
  director->expire(director.now, 1);
  EXPECT_EQ(director.drops(DropReason::Fragment), 1u);
  director.push(sent[0]);
  EXPECT_TRUE(director.extra().empty());
}

TEST_P(Related, SctpInFragmentsIsDroppedWhereItsPortWouldChange) {
  for (const auto port : {std::uint16_t{8080}, std::uint16_t{53}}) {
    Director director;
    director.apply({AddService{test::service("sctp", {{Protocol::Sctp, vip()}})},
                    AddServer{"sctp", {"s1", {real().address, port}, Method::Nat, 1}}});
    auto spec = from_client(400);
    spec.protocol = test::kSctpProtocol;
    const auto first = director.push(test::cut(make_frame(spec), {64})[0]);
    EXPECT_EQ(first.verdict.action, port == 53 ? Action::Send : Action::Drop);
    EXPECT_EQ(first.verdict.reason, port == 53 ? DropReason::None : DropReason::Fragment);
  }
}

TEST_P(Related, HeldFragmentsAreBounded) {
  Director director;
  serve(director, Method::Nat);
  for (std::uint32_t id = 0; id < 200; ++id) director.push(test::cut(make_frame(from_client(400)), {64}, id)[1]);
  EXPECT_EQ(director.drops(DropReason::Fragment), 200u - 64u);
}

// From beyond the client: it quotes what the virtual address sent.
TEST_P(Related, AnErrorAboutAReplyReachesTheServerAsItsOwn) {
  Director director;
  serve(director, Method::Nat);
  director.push(from_client());
  auto around = packet(router(), vip());
  const auto quoted = packet(vip(), client());
  const auto result = director.push(test::make_icmp(around, unreachable(), 4, 1400, packet_of(quoted)));
  around.to = test::server_mac(1);
  around.from = test::kBackMac;
  around.destination = real();
  --around.ttl;
  auto inside = packet_of(packet(real(), client()));
  const auto before = packet_of(quoted);
  const std::size_t check = (v6() ? 40u : 20u) + 6u;  // the quoted transport checksum stays as it was
  inside[check] = before[check];
  inside[check + 1] = before[check + 1];
  EXPECT_EQ(result.verdict.action, Action::Send);
  EXPECT_EQ(result.bytes, test::make_icmp(around, unreachable(), 4, 1400, inside));
}

// From the server or a router before it: it quotes what the director sent.
TEST_P(Related, AnErrorAboutARequestReachesTheClientFromTheVirtualAddress) {
  for (const std::size_t quoted_bytes : {2000u, v6() ? 48u : 28u}) {
    Director director;
    serve(director, Method::Nat);
    director.push(from_client());
    auto around = from_server();
    const auto quoted = packet(client(), real());
    const auto result =
        director.push(test::make_icmp(around, unreachable(), 3, 0, packet_of(quoted, quoted_bytes)), kBack);
    around = to_client(around);
    auto inside = packet_of(packet(client(), vip()), quoted_bytes);
    const auto before = packet_of(quoted, quoted_bytes);
    const std::size_t check = (v6() ? 40u : 20u) + 6u;
    inside[check] = before[check];
    inside[check + 1] = before[check + 1];
    EXPECT_EQ(result.verdict.action, Action::Send);
    EXPECT_EQ(result.bytes, test::make_icmp(around, unreachable(), 3, 0, inside)) << quoted_bytes;
  }
}

TEST_P(Related, WithDrAnErrorIsHandedOnUnchanged) {
  Director director;
  serve(director, Method::Dr);
  director.push(from_client());
  auto around = packet(router(), vip());
  const auto quoted = packet_of(packet(vip(), client()));
  const auto result = director.push(test::make_icmp(around, unreachable(), 4, 1400, quoted));
  around.to = test::server_mac(1);
  around.from = test::kBackMac;
  --around.ttl;
  EXPECT_EQ(result.bytes, test::make_icmp(around, unreachable(), 4, 1400, quoted));
}

TEST_P(Related, AnErrorThatIsDamagedOrAboutNothingGoesNowhere) {
  Director director;
  serve(director, Method::Nat);
  director.push(from_client());
  const auto around = packet(router(), vip());
  auto damaged = test::make_icmp(around, unreachable(), 4, 1400, packet_of(packet(vip(), client())));
  damaged.back() ^= 1;
  EXPECT_EQ(director.push(damaged).verdict.reason, DropReason::Malformed);
  auto stranger = client();
  stranger.port = 1;
  const auto nothing = test::make_icmp(around, unreachable(), 4, 1400, packet_of(packet(vip(), stranger)));
  EXPECT_EQ(director.push(nothing).verdict.action, Action::ToKernel);
  const auto in_hop = test::make_icmp(around, unreachable(), 4, 1400, packet_of(packet(vip(), client()), 20));
  EXPECT_EQ(director.push(in_hop).verdict.action, Action::ToKernel);
}

TEST_P(Related, NoErrorAnswersAnError) {
  Director director;
  serve(director, Method::Nat);
  director.push(from_client());
  auto around = packet(router(), vip());
  around.ttl = 1;
  const auto result =
      director.push(test::make_icmp(around, unreachable(), 4, 1400, packet_of(packet(vip(), client()))));
  EXPECT_EQ(result.verdict.action, Action::Drop);
  EXPECT_EQ(result.verdict.reason, DropReason::TtlExceeded);
}

INSTANTIATE_TEST_SUITE_P(Families, Related, testing::Bool(),
                         [](const auto& family) { return family.param ? "IPv6" : "IPv4"; });

}  // namespace
}  // namespace lvsd::ipvs::engine

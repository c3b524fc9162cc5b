// Packets that belong to a connection without having its ports: fragments and ICMP errors, in both families.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ipvs/engine/core.hpp"
#include "ipvs/engine/frame.hpp"
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
    spec.payload.front() = 1;  // INIT
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

TEST_P(Related, WithScheduleIcmpAnErrorOfNoConnectionBeginsOne) {
  for (const auto method : {Method::Nat, Method::Dr}) {
    Director director;
    serve(director, method);
    const auto around = packet(router(), vip());
    const auto error = test::make_icmp(around, unreachable(), 4, 1400, packet_of(packet(vip(), client())));
    EXPECT_EQ(director.push(error).verdict.action, Action::ToKernel);
    ConnectionPolicy policy;
    policy.schedule_icmp = true;
    director->set_policy(policy);
    const auto sent = director.push(error);
    EXPECT_EQ(sent.verdict.action, Action::Send);
    EXPECT_EQ(to_address(parse(sent.bytes).destination), method == Method::Nat ? real().address : vip().address);
    const auto found = director->connections({}, director.now).connections;
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found.front().client, client());
    auto elsewhere = vip();
    elsewhere.port = 54;
    const auto stranger = test::make_icmp(around, unreachable(), 4, 1400, packet_of(packet(elsewhere, client())));
    EXPECT_EQ(director.push(stranger).verdict.action, Action::ToKernel) << "nobody listens there";
    auto damaged = test::make_icmp(around, unreachable(), 4, 1400, packet_of(packet(vip(), router())));
    damaged.back() ^= 1;
    EXPECT_EQ(director.push(damaged).verdict.reason, DropReason::Malformed);
    const auto self = test::make_icmp(around, unreachable(), 4, 1400, packet_of(packet(vip(), vip())));
    EXPECT_EQ(director.push(self).verdict.reason, DropReason::Spoofed);
    EXPECT_EQ(director->connection_entries(), 1u);
  }
}

// AH and ESP, which follow the connection by which the hosts exchange their keys.
class Ipsec : public Related {
 protected:
  base::Endpoint at(base::Endpoint end) const { return {end.address, 500}; }
  FrameSpec keys() const { return packet(at(client()), at(vip())); }
  void serve_keys(Director& director, Method method) const {
    director.apply({AddService{test::service("keys", {{Protocol::Udp, at(vip())}})},
                    AddServer{"keys", {"s1", {real().address, 500}, method, 1}}});
  }
  // As another protocol. Its checksum does not cover the IP header.
  static Bytes sealed(Bytes frame, std::uint8_t protocol) {
    const bool v6 = (frame[14] >> 4) == 6;
    frame[v6 ? 20 : 23] = protocol;
    const std::size_t transport = v6 ? 54 : 34;
    for (std::size_t i = 0; i < 8; ++i) frame[transport + i] = static_cast<std::uint8_t>(i);
    if (v6) return frame;
    frame[24] = frame[25] = 0;
    const auto check = base::checksum_finish(base::checksum_add(0, std::span{frame}.subspan(14, 20)));
    frame[24] = static_cast<std::uint8_t>(check >> 8);
    frame[25] = static_cast<std::uint8_t>(check);
    return frame;
  }
};

TEST_P(Ipsec, FollowsTheExchangeOfKeysInBothDirections) {
  for (const auto protocol : std::initializer_list<std::uint8_t>{50, 51}) {
    Director director;
    serve_keys(director, Method::Nat);
    const auto request = sealed(make_frame(keys()), protocol);
    EXPECT_EQ(director.push(request).verdict.action, Action::ToKernel) << "never begins a connection";
    director.push(keys());
    auto expected = keys();
    expected.to = test::server_mac(1);
    expected.from = test::kBackMac;
    expected.destination.address = real().address;
    --expected.ttl;
    EXPECT_EQ(director.push(request).bytes, sealed(make_frame(expected), protocol));
    auto reply = packet(at(real()), at(client()));
    reply.to = test::kBackMac;
    reply.from = test::server_mac(1);
    expected = reply;
    expected.to = test::kClientMac;
    expected.from = test::kFrontMac;
    expected.source.address = vip().address;
    --expected.ttl;
    EXPECT_EQ(director.push(sealed(make_frame(reply), protocol), kBack).bytes, sealed(make_frame(expected), protocol));
    const auto statistics = director->status().front().statistics;
    EXPECT_EQ(statistics.in_packets, 2u);
    EXPECT_EQ(statistics.out_packets, 1u);
  }
}

TEST_P(Ipsec, FragmentsAreFoundByTheirAddresses) {
  Director director;
  serve_keys(director, Method::Dr);
  director.push(keys());
  auto large = keys();
  large.payload = Bytes(400);
  for (const auto& fragment : test::cut(sealed(make_frame(large), 50), {64, 128})) {
    EXPECT_EQ(director.push(fragment).verdict.action, Action::Send);
  }
  EXPECT_EQ(director.drops(DropReason::Fragment), 0u);
}

TEST_P(Ipsec, KeepsItsConnectionAliveAndEndsWithIt) {
  Director director;
  serve_keys(director, Method::Dr);
  director.push(keys());
  const auto request = sealed(make_frame(keys()), 50);
  for (int i = 0; i < 4; ++i) {
    director.now += 4min;
    EXPECT_EQ(director.push(request).verdict.action, Action::Send);
    director->expire(director.now, 100);
  }
  director.now += 6min;
  EXPECT_EQ(director.push(request).verdict.action, Action::ToKernel);
}

TEST_P(Ipsec, AnErrorAboutItReachesTheServer) {
  Director director;
  serve_keys(director, Method::Nat);
  director.push(keys());
  const auto quoted = sealed(make_frame(packet(at(vip()), at(client()))), 50);
  const auto around = packet(router(), vip());
  const auto result = director.push(test::make_icmp(around, unreachable(), 4, 1400, std::span{quoted}.subspan(14)));
  ASSERT_EQ(result.verdict.action, Action::Send);
  EXPECT_EQ(to_address(parse(result.bytes).destination), real().address);
  const auto inside = parse_quoted(result.bytes, parse(result.bytes));
  ASSERT_TRUE(inside);
  EXPECT_EQ(to_address(inside->source), real().address);
}

TEST_P(Ipsec, UnderFullnatItIsNotForwarded) {
  Director director;
  auto service = test::service("keys", {{Protocol::Udp, at(vip())}});
  service.options.local_addresses = {ip(v6() ? "2001:db8:5::aa" : "10.0.0.200")};
  director.apply({AddService{service}, AddServer{"keys", {"s1", {real().address, 500}, Method::Fullnat, 1}}});
  EXPECT_EQ(director.push(keys()).verdict.action, Action::Send);
  EXPECT_EQ(director.push(sealed(make_frame(keys()), 50)).verdict.action, Action::ToKernel);
}

INSTANTIATE_TEST_SUITE_P(Families, Ipsec, testing::Bool(),
                         [](const auto& family) { return family.param ? "IPv6" : "IPv4"; });

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

// Method fullnat through the whole core: both ends rewritten both ways, ports, and how the server learns its client.
// The server and the client here are a few lines that believe only what stands in the packets.
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ipvs/engine/client_notice.hpp"
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

constexpr std::uint32_t kIsn = 1000;  // the client's
const Bytes kSynOptions{2, 4, 5, 180, 1, 1, 1, 0};

class CoreFullnat : public testing::TestWithParam<bool> {
 protected:
  bool v6() const { return GetParam(); }
  std::size_t tcp() const { return v6() ? 54 : 34; }
  std::size_t header() const { return v6() ? 52 : 28; }  // of the PROXY protocol
  base::Endpoint client(std::uint16_t port = 40000) const { return {ip(v6() ? "2001:db8:c::10" : "192.0.2.10"), port}; }
  base::Endpoint vip() const { return endpoint(v6() ? "[2001:db8:1::1]:80" : "198.51.100.1:80"); }
  base::IpAddress local() const { return ip(v6() ? "2001:db8:5::aa" : "10.0.0.200"); }
  base::Endpoint real() const { return {test::server_address(1, v6()), 8080}; }

  void serve(Director& director, ClientAddress how = ClientAddress::Hidden, Protocol protocol = Protocol::Tcp) const {
    auto service = test::service("web", {{protocol, vip()}});
    service.options.local_addresses = {local()};
    RealServer server{"s1", real(), Method::Fullnat, 1, false};
    server.options.client_address = how;
    director.apply({AddService{service}, AddServer{"web", server}});
  }

  FrameSpec from_client(std::uint8_t flags, std::uint32_t sequence, const Bytes& payload = {},
                        std::uint16_t port = 40000) const {
    FrameSpec spec;
    spec.source = client(port);
    spec.destination = vip();
    spec.flags = flags;
    spec.sequence = sequence;
    spec.acknowledged = 5001;
    spec.payload = payload;
    if ((flags & test::kSyn) != 0) spec.tcp_options = kSynOptions;
    return spec;
  }
  FrameSpec from_server(const base::Endpoint& to, std::uint8_t flags, std::uint32_t acknowledged) const {
    FrameSpec spec;
    spec.to = test::kBackMac;
    spec.from = test::server_mac(1);
    spec.source = real();
    spec.destination = to;
    spec.flags = flags;
    spec.sequence = 5000;
    spec.acknowledged = acknowledged;
    if ((flags & test::kSyn) != 0) spec.tcp_options = kSynOptions;
    return spec;
  }

  // What a packet says when it leaves.
  base::Endpoint end(const Bytes& frame, bool source) const {
    base::Endpoint e;
    const auto* at = &frame[v6() ? (source ? 22 : 38) : (source ? 26 : 30)];
    if (v6()) {
      std::array<std::uint8_t, 16> bytes{};
      std::copy_n(at, 16, bytes.begin());
      e.address = base::IpAddress::v6(bytes);
    } else {
      e.address = base::IpAddress::v4(load32_host(at));
    }
    e.port = load16_host(&frame[tcp() + (source ? 0 : 2)]);
    return e;
  }
  std::uint32_t sequence(const Bytes& frame) const { return load32_host(&frame[tcp() + 4]); }
  std::uint32_t acknowledged(const Bytes& frame) const { return load32_host(&frame[tcp() + 8]); }
  Bytes options(const Bytes& frame) const {
    return Bytes(frame.begin() + static_cast<std::ptrdiff_t>(tcp()) + 20,
                 frame.begin() + static_cast<std::ptrdiff_t>(tcp()) + (frame[tcp() + 12] >> 4) * 4);
  }
  Bytes payload(const Bytes& frame) const {
    return Bytes(frame.begin() + static_cast<std::ptrdiff_t>(tcp()) + (frame[tcp() + 12] >> 4) * 4, frame.end());
  }
  Bytes proxy_header() const {
    const auto notice = ClientNotice::proxy_header(client(), vip());
    return Bytes(notice.bytes().begin(), notice.bytes().end());
  }
  Bytes option() const {
    const auto notice = ClientNotice::option(client());
    return Bytes(notice.bytes().begin(), notice.bytes().end());
  }

  // The handshake; returns where the server thinks its client is.
  base::Endpoint connect(Director& director) const {
    const auto syn = director.push(from_client(test::kSyn, kIsn));
    const auto peer = end(syn.bytes, true);
    director.push(from_server(peer, test::kSyn | test::kAck, kIsn + 1), kBack);
    director.push(from_client(test::kAck, kIsn + 1));
    return peer;
  }
};

TEST_P(CoreFullnat, TheLocalEndIsShownWithTheConnection) {
  Director director;
  serve(director);
  director.push(from_client(test::kSyn, kIsn));
  const auto found = director->connections({}, director.now).connections;
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].local_address.address, local());
  EXPECT_NE(found[0].local_address.port, 0);
}

INSTANTIATE_TEST_SUITE_P(Families, CoreFullnat, testing::Bool(),
                         [](const auto& test) { return test.param ? "Ipv6" : "Ipv4"; });

TEST_P(CoreFullnat, TheServerSeesTheLocalAddressAndTheClientTheVirtualOne) {
  Director director;
  serve(director);
  const auto sent = director.push(from_client(test::kSyn, kIsn));
  ASSERT_EQ(sent.verdict.action, Action::Send);
  EXPECT_EQ(sent.verdict.interface, kBack);
  EXPECT_TRUE(test::checksums_hold(sent.bytes));
  const auto peer = end(sent.bytes, true);
  EXPECT_EQ(peer.address, local());
  EXPECT_EQ(end(sent.bytes, false), real());
  EXPECT_EQ(options(sent.bytes), kSynOptions);

  const auto answer = director.push(from_server(peer, test::kSyn | test::kAck, kIsn + 1), kBack);
  ASSERT_EQ(answer.verdict.action, Action::Send);
  EXPECT_EQ(answer.verdict.interface, kFront);
  EXPECT_TRUE(test::checksums_hold(answer.bytes));
  EXPECT_EQ(end(answer.bytes, true), vip());
  EXPECT_EQ(end(answer.bytes, false), client());
  EXPECT_EQ(options(answer.bytes), kSynOptions);
  EXPECT_EQ(acknowledged(answer.bytes), kIsn + 1);
}

TEST_P(CoreFullnat, TheRepliesAreAskedForByTheirExactFlow) {
  Director director;
  serve(director);
  const auto peer = end(director.push(from_client(test::kSyn, kIsn)).bytes, true);
  const auto changes = director->take_flow_changes();
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].flow, (FlowKey{Protocol::Tcp, real(), peer}));
}

TEST_P(CoreFullnat, EveryConnectionHasAPortOfItsOwn) {
  Director director{4096};
  serve(director);
  std::set<std::uint16_t> ports;
  for (std::uint16_t port = 1; port <= 2000; ++port) {
    const auto sent = director.push(from_client(test::kSyn, kIsn, {}, port));
    ASSERT_EQ(sent.verdict.action, Action::Send);
    EXPECT_TRUE(ports.insert(end(sent.bytes, true).port).second);
  }
}

TEST_P(CoreFullnat, WithoutAnAddressOfItsFamilyNothingIsSentAndItIsCounted) {
  Director director;
  auto service = test::service("web", {{Protocol::Tcp, vip()}});
  service.options.local_addresses = {ip(v6() ? "10.0.0.200" : "2001:db8:5::aa")};
  director.apply({AddService{service}, AddServer{"web", {"s1", real(), Method::Fullnat, 1, false}}});
  EXPECT_EQ(director.push(from_client(test::kSyn, kIsn)).verdict.reason, DropReason::NoLocalPort);
  EXPECT_EQ(director.drops(DropReason::NoLocalPort), 1u);
  EXPECT_EQ(director->connection_entries(), 0u);
}

TEST_P(CoreFullnat, ConnectionsOutliveTheProcess) {
  Director director;
  serve(director, ClientAddress::ProxyProtocol);
  const auto peer = connect(director);
  director.push(from_server(peer, test::kAck, kIsn + 1 + static_cast<std::uint32_t>(header())), kBack);
  director.restart();
  serve(director, ClientAddress::ProxyProtocol);
  const auto sent = director.push(from_client(test::kAck, kIsn + 1, {'x'}));
  EXPECT_EQ(end(sent.bytes, true), peer);
  EXPECT_EQ(sequence(sent.bytes), kIsn + 1 + header());
  EXPECT_TRUE(test::checksums_hold(sent.bytes));
}

TEST_P(CoreFullnat, TheOptionGoesWithTheHandshakeUntilTheServerHasSpoken) {
  Director director;
  serve(director, ClientAddress::Toa);
  const auto syn = director.push(from_client(test::kSyn, kIsn));
  auto expected = option();
  expected.insert(expected.end(), kSynOptions.begin(), kSynOptions.end());
  EXPECT_EQ(options(syn.bytes), expected);
  EXPECT_TRUE(test::checksums_hold(syn.bytes));
  const auto peer = end(syn.bytes, true);

  const auto answer = director.push(from_server(peer, test::kSyn | test::kAck, kIsn + 1), kBack);
  const auto mss = load16_host(&options(answer.bytes)[2]);
  EXPECT_EQ(mss, 1460 - option().size());
  EXPECT_TRUE(test::checksums_hold(answer.bytes));

  const auto ack = director.push(from_client(test::kAck, kIsn + 1));
  EXPECT_EQ(options(ack.bytes), option());
  auto data = from_server(peer, test::kAck, kIsn + 1);
  data.payload = {'h', 'i'};
  director.push(data, kBack);
  EXPECT_EQ(options(director.push(from_client(test::kAck, kIsn + 1, {'x'})).bytes), Bytes{});
}

TEST_P(CoreFullnat, AServerThatIsSilentGetsTheOptionSixteenTimes) {
  Director director;
  serve(director, ClientAddress::Toa);
  connect(director);
  int with = 2;
  for (int i = 0; i < 30; ++i) with += options(director.push(from_client(test::kAck, kIsn + 1)).bytes).empty() ? 0 : 1;
  EXPECT_EQ(with, 16);
}

TEST_P(CoreFullnat, AHeaderThatIsFullGoesWithoutTheOption) {
  Director director;
  serve(director, ClientAddress::Toa);
  auto spec = from_client(test::kSyn, kIsn);
  spec.tcp_options = Bytes(40, 1);
  EXPECT_EQ(options(director.push(spec).bytes), Bytes(40, 1));
}

TEST_P(CoreFullnat, TheProxyHeaderComesBeforeTheFirstByte) {
  Director director;
  serve(director, ClientAddress::ProxyProtocol);
  const auto syn = director.push(from_client(test::kSyn, kIsn));
  EXPECT_EQ(payload(syn.bytes), Bytes{});
  EXPECT_EQ(sequence(syn.bytes), kIsn);
  const auto peer = end(syn.bytes, true);
  const auto answer = director.push(from_server(peer, test::kSyn | test::kAck, kIsn + 1), kBack);
  EXPECT_EQ(load16_host(&options(answer.bytes)[2]), 1460 - header());

  const auto ack = director.push(from_client(test::kAck, kIsn + 1));
  EXPECT_EQ(payload(ack.bytes), proxy_header());
  EXPECT_EQ(sequence(ack.bytes), kIsn + 1);
  EXPECT_TRUE(test::checksums_hold(ack.bytes));
  // Not acknowledged yet: the first data, and its repetition, have it too.
  for (int i = 0; i < 2; ++i) {
    const auto data = director.push(from_client(test::kAck | test::kPsh, kIsn + 1, {'G', 'E', 'T'}));
    auto expected = proxy_header();
    expected.insert(expected.end(), {'G', 'E', 'T'});
    EXPECT_EQ(payload(data.bytes), expected);
    EXPECT_EQ(sequence(data.bytes), kIsn + 1);
  }
  const auto more = director.push(from_client(test::kAck, kIsn + 4, {'x'}));
  EXPECT_EQ(payload(more.bytes), Bytes{'x'});
  EXPECT_EQ(sequence(more.bytes), kIsn + 4 + header());
  EXPECT_TRUE(test::checksums_hold(more.bytes));
}

TEST_P(CoreFullnat, TheClientNeverHearsOfTheHeader) {
  Director director;
  serve(director, ClientAddress::ProxyProtocol);
  const auto peer = connect(director);
  const auto size = static_cast<std::uint32_t>(header());
  const auto seen = [&](std::uint32_t server) {
    const auto reply = director.push(from_server(peer, test::kAck, server), kBack);
    EXPECT_TRUE(test::checksums_hold(reply.bytes));
    return acknowledged(reply.bytes);
  };
  EXPECT_EQ(seen(kIsn + 1), kIsn + 1);
  EXPECT_EQ(seen(kIsn + 1 + size / 2), kIsn + 1);
  EXPECT_EQ(payload(director.push(from_client(test::kAck, kIsn + 1)).bytes), proxy_header());
  EXPECT_EQ(seen(kIsn + 1 + size), kIsn + 1);
  // Acknowledged: it is not sent again.
  const auto data = director.push(from_client(test::kAck, kIsn + 1, {'x'}));
  EXPECT_EQ(payload(data.bytes), Bytes{'x'});
  EXPECT_EQ(sequence(data.bytes), kIsn + 1 + size);
  EXPECT_EQ(seen(kIsn + 2 + size), kIsn + 2);
}

TEST_P(CoreFullnat, AKeepaliveAndAResetAreAtTheirPlaces) {
  Director director;
  serve(director, ClientAddress::ProxyProtocol);
  const auto peer = connect(director);
  const auto size = static_cast<std::uint32_t>(header());
  EXPECT_EQ(sequence(director.push(from_client(test::kAck, kIsn)).bytes), kIsn + size);  // one before the first byte
  const auto early = director.push(from_client(test::kRst, kIsn + 1));
  EXPECT_EQ(sequence(early.bytes), kIsn + 1);
  EXPECT_EQ(payload(early.bytes), Bytes{});
  director.push(from_server(peer, test::kAck, kIsn + 1 + size), kBack);
  EXPECT_EQ(sequence(director.push(from_client(test::kRst, kIsn + 1)).bytes), kIsn + 1 + size);
}

TEST_P(CoreFullnat, AFirstSegmentThatHasNoPlaceForTheHeaderIsAnswered) {
  Director director;
  serve(director, ClientAddress::ProxyProtocol);
  connect(director);
  const std::size_t headers = v6() ? 60 : 40;
  const auto fits = from_client(test::kAck, kIsn + 1, Bytes(1500 - headers - header(), 'a'));
  EXPECT_EQ(director.push(fits).verdict.reason, DropReason::None);
  const auto large = from_client(test::kAck, kIsn + 1, Bytes(1501 - headers - header(), 'a'));
  const auto answer = director.push(large);
  EXPECT_EQ(answer.verdict.reason, DropReason::TooBig);
  const auto mtu = v6() ? load32_host(&answer.bytes[58]) : load16_host(&answer.bytes[40]);
  EXPECT_EQ(mtu, 1500 - header());
}

TEST_P(CoreFullnat, DatagramsAreRewrittenBothWaysAndCarryNothing) {
  Director director;
  serve(director, ClientAddress::ProxyProtocol, Protocol::Udp);
  FrameSpec spec = from_client(0, 0, {'q'});
  spec.protocol = 17;
  const auto sent = director.push(spec);
  ASSERT_EQ(sent.verdict.action, Action::Send);
  EXPECT_EQ(end(sent.bytes, true).address, local());
  EXPECT_EQ(sent.bytes.size(), test::make_frame(spec).size());
  EXPECT_TRUE(test::checksums_hold(sent.bytes));
  auto reply = from_server(end(sent.bytes, true), 0, 0);
  reply.protocol = 17;
  const auto answer = director.push(reply, kBack);
  EXPECT_EQ(end(answer.bytes, false), client());
  EXPECT_TRUE(test::checksums_hold(answer.bytes));
}

TEST_P(CoreFullnat, APortIsFreeAgainWhenItsConnectionHasEnded) {
  Director director;
  serve(director);
  director.push(from_client(test::kSyn, kIsn));
  EXPECT_EQ(director->connection_entries(), 1u);
  director.now += 1h;
  director->expire(director.now, 64);
  EXPECT_EQ(director->connection_entries(), 0u);
  EXPECT_EQ(director.push(from_client(test::kSyn, kIsn)).verdict.action, Action::Send);
}

}  // namespace
}  // namespace lvsd::ipvs::engine

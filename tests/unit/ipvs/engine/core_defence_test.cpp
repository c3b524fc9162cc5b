// What gives way when there is no room, and the policies that say when connections begin and end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ipvs/engine/frame.hpp"
#include "tests/support/conversation.hpp"

namespace lvsd::ipvs::engine {
namespace {

using namespace std::chrono_literals;
using test::datagram;
using test::Director;
using test::FrameSpec;
using test::from_client;
using test::from_server;
using test::kAck;
using test::kBack;
using test::kFin;
using test::kRst;
using test::kSyn;
using test::server;
using test::server_of;

void establish(Director& director, std::uint16_t port) {
  director.push(from_client(kSyn, port));
  director.push(from_server(kSyn | kAck, 1, port), kBack);
  director.push(from_client(kAck, port));
}
FrameSpec stranger(std::uint32_t n) {
  auto spec = from_client(kSyn, static_cast<std::uint16_t>(1 + n % 60000));
  spec.source.address = base::IpAddress::v4(0x0b000000u + n / 60000 * 256 + n % 251);
  return spec;
}
bool alive(Director& director, std::uint16_t port) { return !server_of(director, port).empty(); }

class CoreDefence : public testing::Test {
 protected:
  CoreDefence() { director.serve({server(1)}); }
  void set(auto change) {
    ConnectionPolicy policy;
    change(policy);
    director->set_policy(policy);
  }
  Director director{64};
};

TEST_F(CoreDefence, TheOldestHalfOpenConnectionGivesWay) {
  set([](auto& p) { p.max_half_open = 3; });
  establish(director, 100);
  for (std::uint16_t port = 1; port <= 5; ++port) director.push(from_client(kSyn, port));
  EXPECT_TRUE(alive(director, 100));
  EXPECT_FALSE(alive(director, 1));
  EXPECT_FALSE(alive(director, 2));
  for (std::uint16_t port = 3; port <= 5; ++port) EXPECT_TRUE(alive(director, port)) << port;
  EXPECT_EQ(director.drops(DropReason::HalfOpen), 2u);
}

TEST_F(CoreDefence, AFinishedHandshakeIsOutOfTheQueue) {
  set([](auto& p) { p.max_half_open = 2; });
  director.push(from_client(kSyn, 1));
  director.push(from_client(kSyn, 2));
  director.push(from_client(kAck, 1));
  director.push(from_client(kSyn, 3));
  EXPECT_EQ(director.drops(DropReason::HalfOpen), 0u);
  director.push(from_client(kSyn, 4));
  EXPECT_FALSE(alive(director, 2));
  EXPECT_TRUE(alive(director, 1));
}

TEST_F(CoreDefence, AFloodTakesHalfOfTheTableAtMostAndNothingEstablished) {
  for (std::uint16_t port = 100; port < 140; ++port) establish(director, port);
  for (std::uint32_t n = 0; n < 10000; ++n) director.push(stranger(n));
  for (std::uint16_t port = 100; port < 140; ++port) EXPECT_TRUE(alive(director, port)) << port;
  EXPECT_EQ(director->connection_entries(), 64u);
  establish(director, 200);
  EXPECT_TRUE(alive(director, 200)) << "a handshake that is quicker than the flood";
  EXPECT_EQ(director.drops(DropReason::TableFull), 0u);
}

TEST_F(CoreDefence, TheServiceUnderAttackPaysForIt) {
  director.apply({AddService{test::service("other", {{Protocol::Tcp, test::endpoint("198.51.100.1:81")}})},
                  AddServer{"other", server(2)}});
  auto quiet = from_client(kSyn, 300);
  quiet.destination.port = 81;
  director.push(quiet);
  for (std::uint32_t n = 0; n < 1000; ++n) director.push(stranger(n));
  EXPECT_TRUE(alive(director, 300));
}

TEST_F(CoreDefence, AServiceKeepsToItsOwnLimit) {
  auto limited = test::service("web", test::web_listeners());
  limited.options.max_connections = 4;
  director.apply({SetService{limited}});
  for (std::uint16_t port = 1; port <= 3; ++port) establish(director, port);
  director.push(from_client(kSyn, 4));
  director.push(from_client(kSyn, 5));
  EXPECT_FALSE(alive(director, 4)) << "its own half-open one made room";
  establish(director, 5);
  EXPECT_EQ(director.push(from_client(kSyn, 6)).verdict.reason, DropReason::ServiceFull);
  EXPECT_EQ(director.push(datagram(7)).verdict.reason, DropReason::ServiceFull);
  for (const auto port : std::vector<std::uint16_t>{1, 2, 3, 5}) EXPECT_TRUE(alive(director, port)) << port;
}

TEST_F(CoreDefence, InAFullTableWhatIsClosedOrWasNeverAnsweredMakesRoom) {
  for (std::uint16_t port = 1; port <= 62; ++port) establish(director, port);
  director.push(datagram(70));
  auto answer = from_server(0, 1, 70);
  answer.protocol = 17;
  director.push(answer, kBack);
  director.push(datagram(71));
  director.now += 2s;
  director.push(datagram(72));
  EXPECT_EQ(director.drops(DropReason::Idle), 1u);
  EXPECT_TRUE(alive(director, 70));
  EXPECT_FALSE(alive(director, 71));
  EXPECT_TRUE(alive(director, 72));
  EXPECT_EQ(director.push(datagram(73)).verdict.reason, DropReason::TableFull) << "its answer may be on its way";
  director.push(from_client(kRst, 1));
  director.push(datagram(73));
  EXPECT_FALSE(alive(director, 1));
  EXPECT_TRUE(alive(director, 73));
  for (std::uint16_t port = 2; port <= 62; ++port) EXPECT_TRUE(alive(director, port)) << port;
}

TEST_F(CoreDefence, AFloodLeavesNoPersistenceBehind) {
  auto persistent = test::service("web", test::web_listeners());
  persistent.options.persistence.timeout = 300s;
  director.apply({SetService{persistent}});
  set([](auto& p) { p.max_half_open = 8; });
  establish(director, 100);
  for (std::uint32_t n = 0; n < 1000; ++n) director.push(stranger(n * 60001));
  EXPECT_LE(director->connection_entries(), 18u);
  EXPECT_TRUE(alive(director, 100));
  EXPECT_EQ(director.drops(DropReason::TableFull), 0u);
}

TEST_F(CoreDefence, ARestartKeepsTheOrder) {
  set([](auto& p) { p.max_half_open = 3; });
  for (std::uint16_t port = 3; port >= 1; --port) {
    director.push(from_client(kSyn, port));
    director.now += 1s;
  }
  director.restart();
  director.serve({server(1)});
  set([](auto& p) { p.max_half_open = 3; });
  director.push(from_client(kSyn, 4));
  EXPECT_FALSE(alive(director, 3));
  EXPECT_TRUE(alive(director, 2));
}

TEST_F(CoreDefence, AnyTcpPacketButAResetBeginsAConnectionWhereThatIsAllowed) {
  EXPECT_EQ(director.push(from_client(kAck)).verdict.reason, DropReason::NoConnection);
  set([](auto& p) { p.sloppy_tcp = true; });
  EXPECT_EQ(director.push(from_client(kRst)).verdict.reason, DropReason::NoConnection);
  EXPECT_EQ(director.push(from_client(kAck)).verdict.action, Action::Send);
  EXPECT_EQ(test::state_of_only_connection(director), "ESTABLISHED");
}

TEST_F(CoreDefence, TheSecureTablesWantTheServersAnswer) {
  set([](auto& p) { p.secure_tcp = true; });
  director.push(from_client(kSyn));
  director.push(from_client(kAck));
  EXPECT_EQ(test::state_of_only_connection(director), "SYN_RECV");
}

TEST_F(CoreDefence, ReuseFollowsItsMode) {
  director.apply({AddServer{"web", server(2)}});
  for (const unsigned mode : {0u, 1u}) {
    set([&](auto& p) { p.conn_reuse_mode = mode; });
    const auto port = static_cast<std::uint16_t>(50 + mode);
    establish(director, port);
    const auto before = server_of(director, port);
    director.push(from_client(kRst, port));
    director.push(from_client(kSyn, port));
    EXPECT_EQ(server_of(director, port) == before, mode == 0) << mode;
  }
}

TEST_F(CoreDefence, ConnectionsToARemovedServerFinishUnlessThePolicyEndsThem) {
  director.apply({AddServer{"web", server(2)}});
  establish(director, 1);
  ASSERT_EQ(server_of(director, 1), "s1");
  director.apply({RemoveServer{"web", "s1"}});
  EXPECT_EQ(director.push(from_client(kAck, 1)).verdict.action, Action::Send);
  set([](auto& p) { p.expire_nodest_conn = true; });
  EXPECT_EQ(director.push(from_client(kAck, 1)).verdict.reason, DropReason::NoConnection);
  EXPECT_FALSE(alive(director, 1));
}

TEST_F(CoreDefence, ThePolicyAlsoEndsConnectionsThatAreSilent) {
  establish(director, 1);
  director.apply({RemoveServer{"web", "s1"}});
  director->expire(director.now, 100);
  EXPECT_TRUE(alive(director, 1));
  set([](auto& p) { p.expire_nodest_conn = true; });
  director->expire(director.now, 100);
  EXPECT_FALSE(alive(director, 1));
}

TEST_F(CoreDefence, AUdpClientThatNeverPausesLeavesARemovedServerAfterTheTimeout) {
  director->set_timeouts({900s, 120s, 30s});
  director.push(datagram());
  director.apply({RemoveServer{"web", "s1"}, AddServer{"web", server(2)}});
  for (int i = 0; i < 29; ++i) {
    director.now += 1s;
    director.push(datagram());
    EXPECT_EQ(server_of(director, 40000), "s1");
  }
  director.now += 1s;
  director.push(datagram());
  EXPECT_EQ(server_of(director, 40000), "s2");
}

TEST_F(CoreDefence, ListenersThatGoDrain) {
  establish(director, 1);
  director.apply({SetService{test::service("web", {{Protocol::Udp, test::endpoint("198.51.100.1:53")}})}});
  EXPECT_EQ(director->listeners().size(), 2u);
  EXPECT_EQ(director.push(from_client(kAck, 1)).verdict.action, Action::Send);
  EXPECT_EQ(director.push(from_client(kSyn, 2)).verdict.reason, DropReason::NoConnection) << "answered with RST";
  EXPECT_FALSE(alive(director, 2));
  director.push(from_client(kRst, 1));
  director.now += 20s;
  for (int round = 0; round < 3; ++round) director->expire(director.now, 100);
  EXPECT_EQ(director->listeners().size(), 1u);
}

TEST_F(CoreDefence, ARemovedServiceKeepsItsListenersOverARestart) {
  establish(director, 1);
  director.apply({RemoveService{"web"}});
  director.restart();
  director.apply({});
  ASSERT_EQ(director->listeners().size(), 1u);
  EXPECT_EQ(director->listeners().front(), (Listener{Protocol::Tcp, test::endpoint("198.51.100.1:80")}));
  EXPECT_EQ(director.push(from_client(kAck, 1)).verdict.action, Action::Send);
}

FrameSpec sctp(std::uint8_t chunk, std::uint16_t port = 40000) {
  auto spec = from_client(0, port);
  spec.protocol = test::kSctpProtocol;
  spec.payload = {chunk, 0, 0, 4};
  return spec;
}

TEST_F(CoreDefence, AnSctpAssociationIsFollowed) {
  director.apply({SetService{test::service("web", {{Protocol::Sctp, test::endpoint("198.51.100.1:80")}})}});
  EXPECT_EQ(director.push(sctp(0)).verdict.reason, DropReason::NoConnection);
  EXPECT_EQ(director.push(sctp(1)).verdict.action, Action::Send);
  EXPECT_EQ(test::state_of_only_connection(director), "INIT1");
  const auto answer = [&](std::uint8_t chunk) {
    auto spec = from_server(0);
    spec.protocol = test::kSctpProtocol;
    spec.payload = {chunk, 0, 0, 4};
    EXPECT_EQ(director.push(spec, kBack).verdict.action, Action::Send);
  };
  answer(2);
  director.push(sctp(10));
  answer(11);
  EXPECT_EQ(test::state_of_only_connection(director), "ESTABLISHED");
  EXPECT_EQ(test::status_of(director, "s1").active_connections, 1u);
  director.push(sctp(6));
  EXPECT_EQ(test::state_of_only_connection(director), "CLOSED");
  EXPECT_EQ(test::status_of(director, "s1").active_connections, 0u);
}

TEST_F(CoreDefence, AnySctpPacketButAnAbortBeginsAnAssociationWhereThatIsAllowed) {
  director.apply({SetService{test::service("web", {{Protocol::Sctp, test::endpoint("198.51.100.1:80")}})}});
  set([](auto& p) { p.sloppy_sctp = true; });
  EXPECT_EQ(director.push(sctp(6)).verdict.reason, DropReason::NoConnection);
  EXPECT_EQ(director.push(sctp(0)).verdict.action, Action::Send);
}

}  // namespace
}  // namespace lvsd::ipvs::engine

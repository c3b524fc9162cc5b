// Connections: their states and ends, the servers they stay with or leave, how they are counted and listed.
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ipvs/engine/core.hpp"
#include "ipvs/engine/frame.hpp"
#include "tests/support/conversation.hpp"

namespace lvsd::ipvs::engine {
namespace {

using namespace std::chrono_literals;
using test::datagram;
using test::Director;
using test::from_client;
using test::from_server;
using test::kAck;
using test::kBack;
using test::kFin;
using test::kRst;
using test::kSyn;
using test::server;
using test::server_of;
using test::state_of_only_connection;
using test::status_of;

TEST(CoreConnections, TcpStatesAreFollowedAndCounted) {
  Director director;
  director.serve({server(1)});
  const auto expect = [&](const char* state, std::uint64_t active) {
    EXPECT_EQ(state_of_only_connection(director), state);
    EXPECT_EQ(status_of(director, "s1").active_connections, active) << state;
    EXPECT_EQ(status_of(director, "s1").inactive_connections, 1 - active) << state;
  };
  director.push(from_client(kSyn));
  expect("SYN_RECV", 1);
  director.push(from_server(kSyn | kAck), kBack);
  expect("SYN_RECV", 1);
  director.push(from_client(kAck));
  expect("ESTABLISHED", 1);
  director.push(from_client(kFin | kAck));
  expect("CLOSE_WAIT", 0);
  director.push(from_server(kFin | kAck), kBack);
  expect("TIME_WAIT", 0);
}

TEST(CoreConnections, DrConnectionsUseTheTableOfOneWayViews) {
  Director director;
  director.serve({server(1, Method::Dr)});
  director.push(from_client(kSyn));
  director.push(from_client(kAck));
  EXPECT_EQ(state_of_only_connection(director), "ESTABLISHED");
  director.push(from_client(kFin | kAck));
  EXPECT_EQ(state_of_only_connection(director), "FIN_WAIT");
}

TEST(CoreConnections, AnIdleConnectionEndsAfterTheTimeoutOfItsState) {
  Director director;
  director.serve({server(1)});
  director->set_timeouts({10s, 5s, 3s});
  director.push(from_client(kSyn));
  director.push(from_client(kAck));
  director.push(datagram());
  director.now += 2999ms;
  director->expire(director.now, 100);
  EXPECT_EQ(director->connection_entries(), 2u);
  director.now += 1ms;
  director->expire(director.now, 100);
  EXPECT_EQ(director->connection_entries(), 1u);
  director.now += 7s;
  director->expire(director.now, 100);
  EXPECT_EQ(director->connection_entries(), 0u);
  EXPECT_EQ(status_of(director, "s1").active_connections + status_of(director, "s1").inactive_connections, 0u);
}

TEST(CoreConnections, AnExpiredConnectionIsNotUsedThoughItWasNotCollectedYet) {
  Director director;
  director.serve({server(1), server(2)});
  director.push(datagram());
  EXPECT_EQ(server_of(director, 40000), "s1");
  director.now += 300s;
  director.push(datagram());
  EXPECT_EQ(server_of(director, 40000), "s2");
  EXPECT_EQ(director->connection_entries(), 1u);
}

TEST(CoreConnections, AClientThatUsesItsPortAgainIsScheduledAnew) {
  Director director;
  director.serve({server(1), server(2)});
  director.push(from_client(kSyn));
  director.push(from_client(kAck));
  director.push(from_client(kSyn));
  EXPECT_EQ(server_of(director, 40000), "s1");  // a SYN within the connection changes nothing
  director.push(from_client(kRst));
  EXPECT_EQ(state_of_only_connection(director), "CLOSE");
  director.push(from_client(kSyn));
  EXPECT_EQ(server_of(director, 40000), "s2");
  EXPECT_EQ(state_of_only_connection(director), "SYN_RECV");
  EXPECT_EQ(status_of(director, "s1").inactive_connections, 0u);
}

// conn_reuse_mode 2 in IPVS: of a connection whose replies we do not see, we never learn that the server closed too.
TEST(CoreConnections, ASynAfterAFinIsScheduledAnewWhereRepliesAreNotSeen) {
  Director director;
  director.serve({server(1, Method::Dr), server(2, Method::Dr)});
  director.push(from_client(kSyn));
  director.push(from_client(kAck));
  director.push(from_client(kFin | kAck));
  ASSERT_EQ(state_of_only_connection(director), "FIN_WAIT");
  director.push(from_client(kAck));
  EXPECT_EQ(server_of(director, 40000), "s1");  // only a SYN begins anew
  director.push(from_client(kSyn));
  EXPECT_EQ(server_of(director, 40000), "s2");
  EXPECT_EQ(state_of_only_connection(director), "SYN_RECV");
  EXPECT_EQ(status_of(director, "s1").inactive_connections, 0u);
}

TEST(CoreConnections, ASynWhileTheServerMayStillSendChangesNothingWhereRepliesAreSeen) {
  Director director;
  director.serve({server(1), server(2)});
  director.push(from_client(kSyn));
  director.push(from_client(kAck));
  director.push(from_server(kFin | kAck), kBack);
  ASSERT_EQ(state_of_only_connection(director), "FIN_WAIT");
  director.push(from_client(kSyn));
  EXPECT_EQ(server_of(director, 40000), "s1");
}

TEST(CoreConnections, ADownServerKeepsItsTcpConnectionsOnly) {
  Director director;
  director.serve({server(1), server(2)});
  director.push(from_client(kSyn));
  director.push(from_client(kAck));
  director.push(datagram(50001));  // s2
  director.push(datagram(50000));  // s1
  ASSERT_EQ(server_of(director, 50000), "s1");
  auto down = server(1);
  down.weight = 0;
  down.down = true;
  director.apply({SetServer{"web", down}});
  director.push(from_client(kAck));
  EXPECT_EQ(server_of(director, 40000), "s1");
  director.push(datagram(50000));
  EXPECT_EQ(server_of(director, 50000), "s2");
  director.push(from_client(kSyn));
  EXPECT_EQ(server_of(director, 40000), "s2");
}

TEST(CoreConnections, Weight0TakesNothingNewAndKeepsWhatItHas) {
  Director director;
  director.serve({server(1), server(2)});
  director.push(datagram(50000));
  director.push(from_client(kSyn, 40001));  // s2
  director.push(from_client(kSyn, 40002));  // s1
  director.push(from_client(kAck, 40002));
  auto quiesced = server(1);
  quiesced.weight = 0;
  director.apply({SetServer{"web", quiesced}});
  director.push(datagram(50000));
  director.push(from_client(kAck, 40002));
  EXPECT_EQ(server_of(director, 50000), "s1");
  EXPECT_EQ(server_of(director, 40002), "s1");
  for (std::uint16_t port = 41000; port < 41004; ++port) {
    director.push(from_client(kSyn, port));
    EXPECT_EQ(server_of(director, port), "s2");
  }
}

TEST(CoreConnections, ARemovedServerDrainsAndComesBackWithItsCounters) {
  Director director;
  director.serve({server(1), server(2)});
  director.push(from_client(kSyn));
  director.apply({RemoveServer{"web", "s1"}});
  EXPECT_EQ(director->table().at("web").servers.size(), 1u);
  EXPECT_EQ(status_of(director, "s1").state, ServerState::drain);
  EXPECT_EQ(director.push(from_client(kAck)).verdict.action, Action::Send);
  EXPECT_EQ(director.push(from_server(kAck), kBack).verdict.action, Action::Send);
  director.apply({AddServer{"web", server(1)}});
  EXPECT_EQ(status_of(director, "s1").state, ServerState::up);
  EXPECT_EQ(status_of(director, "s1").statistics.in_packets, 2u);
  EXPECT_EQ(status_of(director, "s1").active_connections, 1u);

  director.apply({RemoveServer{"web", "s1"}});
  director.now += 901s;
  director->expire(director.now, 100);
  EXPECT_EQ(status_of(director, "s1").name, "");
  EXPECT_EQ(director->status().front().statistics.in_packets, 2u);  // the service's totals never go back
}

TEST(CoreConnections, ARemovedServiceServesItsConnectionsToTheEnd) {
  Director director;
  director.serve({server(1)});
  director.push(from_client(kSyn));
  director.apply({RemoveService{"web"}});
  EXPECT_TRUE(director->table().empty());
  EXPECT_EQ(director.push(from_client(kAck)).verdict.action, Action::Send);
  EXPECT_EQ(director.push(from_client(kSyn, 40001)).verdict.reason, DropReason::NoServer);
  EXPECT_EQ(director->listeners().size(), 2u);
  director.now += 901s;
  director->expire(director.now, 100);
  EXPECT_TRUE(director->status().empty());
  EXPECT_TRUE(director->listeners().empty());
  EXPECT_EQ(director.push(from_client(kSyn)).verdict.action, Action::ToKernel);
}

TEST(CoreConnections, AServerWithAnotherAddressIsAnotherServer) {
  Director director;
  director.serve({server(1)});
  director.push(from_client(kSyn));
  auto moved = server(2);
  moved.name = "s1";
  director.apply({SetServer{"web", moved}});
  EXPECT_EQ(director.push(from_client(kAck)).bytes[33], 11);  // still at 10.0.0.11
  const auto servers = director->status().front().servers;
  ASSERT_EQ(servers.size(), 2u);
  EXPECT_EQ(servers[1].state, ServerState::drain);
}

TEST(CoreConnections, TheLatestServiceGetsAListener) {
  Director director;
  director.serve({server(1)});
  director.apply({AddService{test::service("new", {{Protocol::Tcp, test::endpoint("198.51.100.1:80")}})},
                  AddServer{"new", server(2)}});
  director.push(from_client(kSyn));
  EXPECT_EQ(director->connections({}, director.now).connections.front().service, "new");
  EXPECT_EQ(director->table().at("web").virtual_server.listeners.size(), 1u);
}

// sh gives a server of weight 0 a share of the clients; the sorry server must get all of them.
TEST(CoreConnections, TheSorryServerTakesTheClientsOfTheServersAsideAlsoWithHashing) {
  for (const auto scheduler : {SchedulerKind::Sh, SchedulerKind::Dh, SchedulerKind::Mh}) {
    Director director;
    director.serve({server(1), server(2)}, scheduler);
    auto aside = server(1);
    aside.weight = 0;
    aside.aside = true;
    auto down = server(2);
    down.weight = 0;
    down.down = down.aside = true;
    director.apply({AddServer{"web", server(3)}, SetServer{"web", aside}, SetServer{"web", down}});
    for (std::uint16_t n = 1; n <= 50; ++n) {
      auto syn = from_client(kSyn, n);
      syn.source.address = base::IpAddress::v4(0xc0000200u + n);
      director.push(syn);
      EXPECT_EQ(server_of(director, n), "s3");
    }
  }
}

TEST(CoreConnections, ChangedFlagsOfASchedulerHoldFromTheNextConnectionOn) {
  Director director;
  director.serve({server(1), server(2), server(3)}, SchedulerKind::Sh);
  const auto servers_of_ports = [&](std::uint16_t first) {
    std::set<std::string> names;
    for (std::uint16_t port = first; port < first + 50; ++port) {
      director.push(from_client(kSyn, port));
      names.insert(server_of(director, port));
    }
    return names.size();
  };
  EXPECT_EQ(servers_of_ports(1000), 1u);
  auto service = test::service("web", test::web_listeners(), SchedulerKind::Sh);
  service.flags.port = true;
  director.apply({SetService{service}});
  EXPECT_EQ(servers_of_ports(2000), 3u);
  EXPECT_EQ(director->table().at("web").virtual_server.flags, service.flags);
}

TEST(CoreConnections, StatisticsCountPacketsAndBytesOfIp) {
  Director director;
  director.serve({server(1), server(2, Method::Dr)});
  auto padded = from_client(kSyn);
  padded.padding = 6;
  director.push(padded);
  director.push(from_server(kSyn | kAck), kBack);
  director.push(from_client(kSyn, 40001));
  const auto first = status_of(director, "s1").statistics;
  EXPECT_EQ(first.connections, 1u);
  EXPECT_EQ(first.in_packets, 1u);
  EXPECT_EQ(first.in_bytes, 40u);
  EXPECT_EQ(first.out_packets, 1u);
  EXPECT_EQ(first.out_bytes, 40u);
  EXPECT_EQ(status_of(director, "s2").statistics.out_packets, 0u);
  EXPECT_EQ(director->status().front().statistics.connections, 2u);
}

TEST(CoreConnections, ConnectionsAreFoundByServiceServerAndClient) {
  Director director;
  director.serve({server(1), server(2)});
  for (std::uint16_t port = 40000; port < 40010; ++port) director.push(from_client(kSyn, port));
  auto elsewhere = from_client(kSyn);
  elsewhere.source.address = test::ip("192.0.2.77");
  director.push(elsewhere);
  const auto total = [&](ConnectionsQuery query) { return director->connections(query, director.now).total; };
  EXPECT_EQ(total({}), 11u);
  EXPECT_EQ(total({0, "web", "", "", 5}), 11u);
  EXPECT_EQ(director->connections({0, "", "", "", 5}, director.now).connections.size(), 5u);
  EXPECT_EQ(total({0, "other", "", "", 5}), 0u);
  EXPECT_EQ(total({0, "", "s2", "", 5}), 5u);
  EXPECT_EQ(total({0, "", "", "192.0.2.77", 5}), 1u);
  EXPECT_EQ(total({0, "", "", "nonsense", 5}), 0u);
  const auto one = director->connections({0, "", "", "192.0.2.77", 5}, director.now).connections.front();
  EXPECT_EQ(one.protocol, "tcp");
  EXPECT_EQ(one.virtual_address, test::endpoint("198.51.100.1:80"));
  EXPECT_EQ(one.server_address, test::endpoint("10.0.0.11:8080"));
  EXPECT_EQ(one.expires_in_s, 60);
  EXPECT_EQ(one.in_packets, 1u);
}

TEST(CoreConnections, AFullTableDropsNewConnectionsAndKeepsTheOthers) {
  Director director{16};
  director.serve({server(1)});
  for (std::uint16_t port = 0; port < 20; ++port) {
    director.push(from_client(kSyn, port));
    director.push(from_client(kAck, port));
  }
  EXPECT_EQ(director->connection_entries(), 16u);
  EXPECT_EQ(director.drops(DropReason::TableFull), 4u);
  EXPECT_EQ(director.push(from_client(kAck, 0)).verdict.action, Action::Send);
}

RealServer limited(int n, std::uint32_t most, std::uint32_t least = 0) {
  auto s = server(n);
  s.options.max_connections = most;
  s.options.min_connections = least;
  return s;
}
// Begins a connection and says whose it is; "" when nobody takes it.
std::string who_takes(Director& director, std::uint16_t port) {
  director.push(from_client(kSyn, port));
  return server_of(director, port);
}
void finish(Director& director, std::uint16_t port, int n) {
  director.push(from_server(kAck | kRst, n, port), kBack);
  director.now += 11s;  // CLOSE lasts 10
  director->expire(director.now, 1000);
}

TEST(CoreConnections, AServerAtItsMostConnectionsGetsNoneUntilItHasFewerThanItsLeast) {
  Director director;
  director.serve({limited(1, 4)});
  for (std::uint16_t port = 1; port <= 4; ++port) EXPECT_EQ(who_takes(director, port), "s1");
  EXPECT_TRUE(status_of(director, "s1").overloaded);
  EXPECT_EQ(who_takes(director, 5), "");
  finish(director, 1, 1);
  EXPECT_EQ(who_takes(director, 6), "") << "3 left: three quarters of the most";
  finish(director, 2, 1);
  EXPECT_FALSE(status_of(director, "s1").overloaded);
  EXPECT_EQ(who_takes(director, 7), "s1");
}

TEST(CoreConnections, TheLeastConnectionsOfAServerAreItsOwnWhereGiven) {
  Director director;
  director.serve({limited(1, 4, 2)});
  for (std::uint16_t port = 1; port <= 4; ++port) who_takes(director, port);
  finish(director, 1, 1);
  finish(director, 2, 1);
  EXPECT_TRUE(status_of(director, "s1").overloaded) << "2 left are not fewer than 2";
  finish(director, 3, 1);
  EXPECT_FALSE(status_of(director, "s1").overloaded);
}

TEST(CoreConnections, EditedLimitsHoldAtOnceAndReleaseOnlyBelowTheLeast) {
  Director director;
  director.serve({server(1)});
  for (std::uint16_t port = 1; port <= 4; ++port) who_takes(director, port);
  director.apply({SetServer{"web", limited(1, 3)}});
  EXPECT_EQ(who_takes(director, 5), "") << "4 are more than 3 already";
  director.apply({SetServer{"web", limited(1, 5)}});
  EXPECT_EQ(who_takes(director, 6), "") << "4 are not fewer than 5 - 5/4";
  director.apply({SetServer{"web", limited(1, 10)}});
  EXPECT_EQ(who_takes(director, 7), "s1");
  director.apply({SetServer{"web", limited(1, 1)}, SetServer{"web", server(1)}});
  EXPECT_EQ(who_takes(director, 8), "s1") << "no limit any more";
}

TEST(CoreConnections, ALimitIsKeptByASuccessorThatAdoptsTheTable) {
  Director director;
  director.serve({limited(1, 2)});
  who_takes(director, 1);
  who_takes(director, 2);
  director.restart();
  director.serve({limited(1, 2)});
  EXPECT_EQ(who_takes(director, 3), "");
}

TEST(CoreConnections, AConnectionThatNeverGotAReplyIsCountedOnce) {
  Director director;
  director.serve({server(1)});
  director.push(from_client(kSyn, 1));
  director.push(from_client(kSyn, 2));
  director.push(from_server(kRst | kAck, 1, 2), kBack);  // a refusal is an answer
  const auto unanswered = [&] {
    director->expire(director.now, 1000);
    return status_of(director, "s1").unanswered_connections;
  };
  director.now += 2900ms;
  EXPECT_EQ(unanswered(), 0u);
  director.now += 100ms;
  EXPECT_EQ(unanswered(), 1u);
  director.push(from_client(kSyn, 1));
  director.now += 70s;
  EXPECT_EQ(unanswered(), 1u);
}

TEST(CoreConnections, OfDirectRoutingNoReplyIsSeenAndNothingConcluded) {
  Director director;
  director.serve({server(1, Method::Dr)});
  director.push(from_client(kSyn));
  director.now += 10s;
  director->expire(director.now, 1000);
  EXPECT_EQ(status_of(director, "s1").unanswered_connections, 0u);
}

}  // namespace
}  // namespace lvsd::ipvs::engine

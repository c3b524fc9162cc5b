// Clients that stay with their server, and services that keep no connections.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ipvs/engine/frame.hpp"
#include "tests/support/conversation.hpp"

namespace lvsd::ipvs::engine {
namespace {

using namespace std::chrono_literals;
using test::datagram;
using test::Director;
using test::forwarded;
using test::from_client;
using test::kAck;
using test::kBack;
using test::kSyn;
using test::server;
using test::server_of;

class CorePersistence : public testing::Test {
 protected:
  void serve(Persistence persistence, std::vector<Listener> listeners = test::web_listeners(), int servers = 3) {
    wanted = test::service("web", std::move(listeners));
    wanted.options.persistence = persistence;
    std::vector<Command> commands{AddService{wanted}};
    for (int n = 1; n <= servers; ++n) commands.push_back(AddServer{"web", server(n)});
    director.apply(commands);
  }
  // The server that a new connection of the client gets; "" none.
  std::string connect(const std::string& client, std::uint16_t port, std::uint16_t to = 80) {
    auto spec = from_client(kSyn, port);
    spec.source.address = test::ip(client);
    spec.destination.port = to;
    director.push(spec);
    return server_of(director, port);
  }
  std::string templates() {
    std::string text;
    for (const auto& c : director->connections({}, director.now).connections) {
      if (c.client.port == 0 && (c.state == "NONE" || c.state == "ASSURED"))
        text += c.client.address.to_string() + " " + c.server + " " + c.state + " ";
    }
    return text;
  }
  void expire() { director->expire(director.now, 1000); }

  Director director;
  VirtualServer wanted;
};

TEST_F(CorePersistence, AClientStaysOthersAreBalanced) {
  serve({300s, 0, false});
  EXPECT_EQ(connect("192.0.2.10", 1), "s1");
  EXPECT_EQ(connect("192.0.2.11", 2), "s2");
  EXPECT_EQ(connect("192.0.2.10", 3), "s1");
  EXPECT_EQ(connect("192.0.2.11", 4), "s2");
  EXPECT_EQ(connect("192.0.2.12", 5), "s3");
}

TEST_F(CorePersistence, AllListenersOfAServiceShareIt) {
  serve({300s, 0, false}, {{Protocol::Tcp, test::endpoint("198.51.100.1:80")},
                           {Protocol::Tcp, test::endpoint("198.51.100.1:443")},
                           {Protocol::Udp, test::endpoint("198.51.100.1:53")}});
  EXPECT_EQ(connect("192.0.2.10", 1), "s1");
  EXPECT_EQ(connect("192.0.2.11", 2, 443), "s2");
  EXPECT_EQ(connect("192.0.2.10", 3, 443), "s1");
  director.push(datagram(4));
  EXPECT_EQ(server_of(director, 4), "s1");
}

TEST_F(CorePersistence, ARangeOfPortsSharesIt) {
  serve({300s, 0, false}, {{Protocol::Tcp, test::endpoint("198.51.100.1:8000"), 8999}});
  EXPECT_EQ(connect("192.0.2.10", 1, 8000), "s1");
  EXPECT_EQ(connect("192.0.2.11", 2, 8999), "s2");
  EXPECT_EQ(connect("192.0.2.10", 3, 8999), "s1");
  EXPECT_EQ(connect("192.0.2.10", 4, 9000), "");
}

TEST_F(CorePersistence, AMaskMakesOneClientOfANetwork) {
  serve({300s, 24, false});
  EXPECT_EQ(connect("192.0.2.10", 1), "s1");
  EXPECT_EQ(connect("192.0.2.200", 2), "s1");
  EXPECT_EQ(connect("192.0.3.10", 3), "s2");
}

TEST_F(CorePersistence, TwoServicesAreApart) {
  serve({300s, 0, false});
  auto other = test::service("other", {{Protocol::Tcp, test::endpoint("198.51.100.1:81")}});
  other.options.persistence.timeout = 300s;
  director.apply({AddService{other}, AddServer{"other", server(2)}});
  EXPECT_EQ(connect("192.0.2.10", 1), "s1");
  EXPECT_EQ(connect("192.0.2.10", 2, 81), "s2");
}

TEST_F(CorePersistence, ItEndsItsTimeAfterTheLastNewConnectionButNotBeforeTheLastEnds) {
  serve({10s, 0, false});
  director->set_timeouts({900s, 120s, 300s});
  connect("192.0.2.10", 1);
  director.now += 9s;
  expire();
  connect("192.0.2.10", 2);
  director.now += 9s;
  expire();
  EXPECT_EQ(templates(), "192.0.2.10 s1 NONE ");
  director.now += 40s;  // the connections are still there
  expire();
  EXPECT_EQ(templates(), "192.0.2.10 s1 NONE ");
  director.now += 20s;
  expire();
  expire();
  EXPECT_EQ(director->connection_entries(), 0u);
}

TEST_F(CorePersistence, AnEstablishedConnectionAssuresIt) {
  serve({300s, 0, false});
  connect("192.0.2.10", 40000);
  EXPECT_EQ(templates(), "192.0.2.10 s1 NONE ");
  director.push(from_client(kAck));
  EXPECT_EQ(templates(), "192.0.2.10 s1 ASSURED ");
}

TEST_F(CorePersistence, AServerThatGoesLosesItsClientsForGood) {
  const auto changed = [](auto change) {
    auto s = server(1);
    change(s);
    return Command{SetServer{"web", s}};
  };
  for (const auto& command : {changed([](auto& s) { s.down = true; }), changed([](auto& s) { s.aside = true; }),
                              changed([](auto& s) { s.weight = 0; }), Command{RemoveServer{"web", "s1"}}}) {
    director = Director{};
    serve({300s, 0, false}, test::web_listeners(), 2);
    ASSERT_EQ(connect("192.0.2.10", 1), "s1");
    director.apply({command});
    EXPECT_EQ(connect("192.0.2.10", 2), "s2");
    director.apply({AddServer{"web", server(1)}});
    EXPECT_EQ(connect("192.0.2.10", 3), "s2") << "it has moved";
  }
}

TEST_F(CorePersistence, WeightZeroKeepsClientsWhereThePolicySaysSo) {
  serve({300s, 0, false}, test::web_listeners(), 2);
  ConnectionPolicy policy;
  policy.expire_quiescent_template = false;
  director->set_policy(policy);
  ASSERT_EQ(connect("192.0.2.10", 1), "s1");
  auto quiet = server(1);
  quiet.weight = 0;
  director.apply({SetServer{"web", quiet}});
  EXPECT_EQ(connect("192.0.2.10", 2), "s1");
  EXPECT_EQ(connect("192.0.2.11", 3), "s2");
}

TEST_F(CorePersistence, AFullServerStillTakesItsClients) {
  serve({300s, 0, false}, test::web_listeners(), 2);
  auto full = server(1);
  full.options.max_connections = 1;
  director.apply({SetServer{"web", full}});
  ASSERT_EQ(connect("192.0.2.10", 1), "s1");
  EXPECT_EQ(connect("192.0.2.11", 2), "s2");
  EXPECT_EQ(connect("192.0.2.12", 3), "s2");
  EXPECT_EQ(connect("192.0.2.10", 4), "s1");
}

TEST_F(CorePersistence, ARestartKeepsIt) {
  serve({300s, 0, false});
  connect("192.0.2.11", 1);
  ASSERT_EQ(connect("192.0.2.10", 2), "s2");
  director.restart();
  serve({300s, 0, false});
  EXPECT_EQ(connect("192.0.2.10", 3), "s2");
  EXPECT_EQ(connect("192.0.2.11", 4), "s1");
}

TEST_F(CorePersistence, ACallStaysWhereverItsMessagesComeFrom) {
  serve({300s, 0, true}, {{Protocol::Udp, test::endpoint("198.51.100.1:53")}});
  const auto call = [&](const std::string& id, std::uint16_t port) {
    auto spec = datagram(port);
    const auto text = "OPTIONS sip:a SIP/2.0\r\n" + (id.empty() ? "" : "Call-ID: " + id + "\r\n") + "\r\n";
    spec.payload.assign(text.begin(), text.end());
    director.push(spec);
    return server_of(director, port);
  };
  EXPECT_EQ(call("one", 1), "s1");
  EXPECT_EQ(call("two", 2), "s2");
  EXPECT_EQ(call("one", 3), "s1");
  EXPECT_EQ(call("", 4), "s3") << "by address";
  EXPECT_EQ(call("", 5), "s3");
  EXPECT_EQ(call("two", 6), "s2");
}

class CoreOnePacket : public CorePersistence {
 protected:
  void serve(Method method, Persistence persistence = {}) {
    wanted = test::service("web", {{Protocol::Udp, test::endpoint("198.51.100.1:53")}});
    wanted.options.one_packet = true;
    wanted.options.persistence = persistence;
    director.apply({AddService{wanted}, AddServer{"web", server(1, method)}, AddServer{"web", server(2, method)}});
  }
};

TEST_F(CoreOnePacket, EveryPacketIsScheduledAndNoConnectionKept) {
  serve(Method::Dr);
  for (int i = 0; i < 4; ++i) {
    const auto sent = director.push(datagram());
    EXPECT_EQ(sent.bytes, make_frame(forwarded(datagram(), i % 2 + 1, Method::Dr))) << i;
  }
  EXPECT_EQ(director->connection_entries(), 0u);
  EXPECT_EQ(test::status_of(director, "s1").statistics.connections, 2u);
  EXPECT_EQ(test::status_of(director, "s1").statistics.in_packets, 2u);
}

TEST_F(CoreOnePacket, RepliesUnderNatComeFromTheVirtualAddress) {
  serve(Method::Nat);
  for (int i = 0; i < 4; ++i) director.push(datagram());
  EXPECT_EQ(director->connection_entries(), 2u) << "one for each server";
  EXPECT_EQ(test::status_of(director, "s1").inactive_connections, 0u);
  for (int n = 1; n <= 2; ++n) {
    auto reply = test::from_server(0, n);
    reply.protocol = 17;
    auto expected = reply;
    expected.to = test::kClientMac;
    expected.from = test::kFrontMac;
    --expected.ttl;
    expected.source = test::endpoint("198.51.100.1:53");
    EXPECT_EQ(director.push(reply, kBack).bytes, make_frame(expected)) << n;
  }
  director.now += 61s;
  expire();
  EXPECT_EQ(director->connection_entries(), 0u);
}

TEST_F(CoreOnePacket, OtherProtocolsHaveConnections) {
  serve(Method::Nat);
  wanted.listeners = test::web_listeners();
  director.apply({SetService{wanted}});
  director.push(from_client(kSyn));
  director.push(from_client(kAck));
  EXPECT_EQ(test::state_of_only_connection(director), "ESTABLISHED");
  EXPECT_EQ(test::status_of(director, "s1").active_connections, 1u);
}

TEST_F(CoreOnePacket, PersistenceStillHolds) {
  serve(Method::Dr, {300s, 0, false});
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(director.push(datagram()).bytes, make_frame(forwarded(datagram(), 1, Method::Dr)));
  }
}

TEST_F(CoreOnePacket, ARemovedServerGoesWithItsLastEntry) {
  serve(Method::Nat);
  director.push(datagram());
  director.apply({RemoveServer{"web", "s1"}});
  EXPECT_EQ(test::status_of(director, "s1").name, "s1");
  director.now += 61s;
  expire();
  EXPECT_EQ(test::status_of(director, "s1").name, "");
}

}  // namespace
}  // namespace lvsd::ipvs::engine

// What one director tells of its connections is enough for another to go on with them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ipvs/sync/record_codec.hpp"
#include "tests/support/conversation.hpp"

namespace lvsd::ipvs::engine {
namespace {

using namespace std::chrono_literals;
using sync::Applied;
using test::Director;
using test::from_client;
using test::kAck;
using test::kBack;
using test::kFin;
using test::kSyn;
using test::server;
using test::server_of;

// Also through bytes and back.
sync::Batch carried(const sync::Batch& batch) {
  return {sync::decode_servers(sync::encode_servers(batch.servers)).value(),
          sync::decode_records(sync::encode_records(batch.records)).value()};
}

class CoreSync : public testing::Test {
 protected:
  void serve(std::vector<RealServer> servers, VirtualServer service = test::service("web", test::web_listeners())) {
    for (auto* director : {&first, &second}) {
      director->core().follow_changes(true);
      std::vector<Command> commands{AddService{service}};
      for (const auto& s : servers) commands.push_back(AddServer{service.name, s});
      director->apply(commands);
    }
  }
  Applied tell() { return second->put(carried(first->take_changes(10'000, first.now)), second.now); }
  Applied tell_back() { return first->put(carried(second->take_changes(10'000, second.now)), first.now); }
  void pass(base::Duration time) {
    first.now += time;
    second.now += time;
  }
  std::vector<ConnectionStatus> connections(Director& director) {
    return director->connections({}, director.now).connections;
  }
  // The second director's clock says something else.
  CoreSync() { second.now += 5h + 17ms; }

  Director first;
  Director second;
};

class CoreSyncMethods : public CoreSync, public testing::WithParamInterface<Method> {};

TEST_P(CoreSyncMethods, TheOtherGoesOnWhereOneStopped) {
  serve({server(1, GetParam()), server(2, GetParam()), server(3, GetParam())});
  for (std::uint16_t port = 1; port <= 30; ++port) {
    first.push(from_client(kSyn, port));
    if (port > 10) first.push(from_client(kAck, port));
  }
  EXPECT_EQ(tell(), (Applied{30, 0, 0, 0}));
  for (std::uint16_t port = 1; port <= 30; ++port) {
    EXPECT_EQ(second.push(from_client(kAck, port)).bytes, first.push(from_client(kAck, port)).bytes) << port;
  }
}
INSTANTIATE_TEST_SUITE_P(Methods, CoreSyncMethods, testing::Values(Method::Nat, Method::Dr, Method::Tun));

TEST_F(CoreSync, NatRepliesFindTheirConnection) {
  serve({server(1)});
  first.push(from_client(kSyn, 1));
  tell();
  const auto flows = second->take_flow_changes();
  ASSERT_EQ(flows.size(), 1u);
  EXPECT_EQ(flows.front().flow, first->take_flow_changes().front().flow);
}

TEST_F(CoreSync, NumbersAreThoseOfAConnectionThatCameHereButItIsNotCountedAsOne) {
  serve({server(1)});
  first.push(from_client(kSyn, 1));
  first.push(from_client(kAck, 1));
  tell();
  const auto status = second->status().front();
  EXPECT_EQ(status.servers.front().active_connections, 1u);
  EXPECT_EQ(status.statistics.connections, 0u);
  EXPECT_EQ(connections(second).front().in_packets, 2u);
}

TEST_F(CoreSync, IdleTimeIsThatOfTheOther) {
  serve({server(1)});
  first.push(from_client(kSyn, 1));
  first.push(from_client(kAck, 1));
  pass(600s);
  tell();
  EXPECT_EQ(connections(second).front().expires_in_s, 300);
}

TEST_F(CoreSync, OnlyWhatChangedIsToldAgain) {
  serve({server(1)});
  first.push(from_client(kSyn, 1));
  tell();
  EXPECT_FALSE(first->has_changes());
  first.push(from_client(kSyn, 1));
  EXPECT_FALSE(first->has_changes());
  first.push(from_client(kAck, 1));
  first.push(from_client(kAck, 1));
  EXPECT_EQ(tell().taken, 1u);
  EXPECT_EQ(connections(second).front().state, "ESTABLISHED");
}

TEST_F(CoreSync, AConnectionThatGoesOnIsToldAgainBeforeTheOtherThinksItIdle) {
  serve({server(1)});
  first.push(from_client(kSyn, 1));
  first.push(from_client(kAck, 1));
  tell();
  for (int minute = 0; minute < 30; ++minute) {
    pass(60s);
    first.push(from_client(kAck, 1));
    for (auto* director : {&first, &second}) (*director)->expire(director->now, 1000);
    tell();
    ASSERT_EQ(second->connection_entries(), 1u) << minute;
  }
}

TEST_F(CoreSync, WhatAPeerToldIsNotToldBack) {
  serve({server(1)});
  first.push(from_client(kSyn, 1));
  tell();
  EXPECT_FALSE(second->has_changes());
  second.push(from_client(kAck, 1));  // now it is ours
  EXPECT_EQ(tell_back().older, 1u);   // within a second the other may know better
  pass(2s);
  second.push(from_client(kFin, 1));
  EXPECT_EQ(tell_back().taken, 1u);
  EXPECT_EQ(connections(first).front().state, "CLOSE_WAIT");
}

TEST_F(CoreSync, StatesThatFollowWithinAMillisecondArriveInTheirOrder) {
  serve({server(1)});
  first.push(from_client(kSyn, 1));
  const auto opened = first->take_changes(100, first.now);
  first.push(from_client(kAck, 1));
  pass(5ms);
  second->put(carried(opened), second.now);
  EXPECT_EQ(tell().taken, 1u);
  EXPECT_EQ(connections(second).front().state, "ESTABLISHED");
}

TEST_F(CoreSync, AnEchoDoesNotSetBackWhatIsNewer) {
  serve({server(1, Method::Dr)});
  first.push(from_client(kSyn, 1));
  first.push(from_client(kAck, 1));
  tell();
  pass(3ms);
  first.push(from_client(kFin, 1));
  const auto echo = second->walk(0, 1000, second.now).batch;
  EXPECT_EQ(first->put(carried(echo), first.now).older, 1u);
  EXPECT_EQ(connections(first).front().state, "FIN_WAIT");
}

TEST_F(CoreSync, AWalkTellsEverythingInPieces) {
  serve({server(1), server(2)});
  for (std::uint16_t port = 1; port <= 100; ++port) first.push(from_client(kSyn, port));
  first->take_changes(1000, first.now);
  std::uint32_t next = 0;
  std::uint64_t taken = 0;
  for (bool complete = false; !complete;) {
    const auto walked = first->walk(next, 7, first.now);
    EXPECT_LE(walked.batch.records.size(), 7u);
    taken += second->put(carried(walked.batch), second.now).taken;
    next = walked.next;
    complete = walked.complete;
  }
  EXPECT_EQ(taken, 100u);
  EXPECT_EQ(second->connection_entries(), 100u);
}

TEST_F(CoreSync, ServersAreFoundByServiceAddressAndMethod) {
  serve({server(1), server(2)});
  second.apply({RemoveServer{"web", "s2"}});
  second->expire(second.now, 100);
  for (std::uint16_t port = 1; port <= 10; ++port) first.push(from_client(kSyn, port));
  const auto batch = carried(first->take_changes(100, first.now));
  EXPECT_EQ(second->put(batch, second.now), (Applied{5, 0, 5, 0}));

  auto other_method = batch;
  for (auto& s : other_method.servers) s.method = Method::Dr;
  EXPECT_EQ(second->put(other_method, second.now).unknown_server, 10u);
  auto other_service = batch;
  for (auto& s : other_service.servers) s.service = "shop";
  EXPECT_EQ(second->put(other_service, second.now).unknown_server, 10u);
}

TEST_F(CoreSync, WithoutAServiceItIsTheOneThatListens) {
  serve({server(1, Method::Dr), server(2, Method::Dr)});
  for (std::uint16_t port = 1; port <= 10; ++port) first.push(from_client(kSyn, port));
  auto batch = first->take_changes(100, first.now);
  for (auto& s : batch.servers) s = {s.number, "", {s.address.address, 80}, Method::Nat};
  EXPECT_EQ(second->put(carried(batch), second.now).taken, 10u);
  for (std::uint16_t port = 1; port <= 10; ++port) EXPECT_EQ(server_of(second, port), server_of(first, port));
}

TEST_F(CoreSync, AReusedPortReplacesTheOldConnection) {
  serve({server(1), server(2)});
  first.push(from_client(kSyn, 1));
  tell();
  EXPECT_EQ(server_of(second, 1), "s1");
  first.push(from_client(kFin, 1));
  first.push(from_client(test::kRst, 1));
  auto batch = first->take_changes(100, first.now);
  for (auto& s : batch.servers) s.address = server(2).address;  // as if the client had been given to it since
  EXPECT_EQ(second->put(carried(batch), second.now).taken, 1u);
  EXPECT_EQ(server_of(second, 1), "s2");
  EXPECT_EQ(second->connection_entries(), 1u);
}

TEST_F(CoreSync, ClientsPersist) {
  auto service = test::service("web", test::web_listeners());
  service.options.persistence = {300s, 0, false};
  serve({server(1), server(2), server(3)}, service);
  first.push(from_client(kSyn, 1));
  first.push(from_client(kAck, 1));
  tell();
  second.push(from_client(kSyn, 2));
  EXPECT_EQ(server_of(second, 2), server_of(first, 1));
  // The connection holds its persistence here as well.
  second.now += 600s;
  second.push(from_client(kAck, 1));
  second->expire(second.now, 1000);
  const auto left = connections(second);
  EXPECT_TRUE(std::ranges::any_of(left, [](const auto& c) { return c.client.port == 0; }));
}

TEST_F(CoreSync, FullnatKeepsTheLocalAddress) {
  auto service = test::service("web", test::web_listeners());
  service.options.local_addresses = {test::ip("10.0.0.200"), test::ip("10.0.0.201")};
  auto real = server(1, Method::Fullnat);
  real.address.port = 8080;
  serve({real}, service);
  for (std::uint16_t port = 1; port <= 20; ++port) first.push(from_client(kSyn, port));
  tell();
  for (std::uint16_t port = 1; port <= 20; ++port) {
    EXPECT_EQ(second.push(from_client(kAck, port)).bytes, first.push(from_client(kAck, port)).bytes) << port;
  }
  // New ones do not take a port that is in use.
  for (std::uint16_t port = 21; port <= 40; ++port) second.push(from_client(kSyn, port));
  EXPECT_EQ(second->live_flows().size(), 40u);
}

TEST_F(CoreSync, SixIsAsFour) {
  auto service = test::service("web", {{Protocol::Tcp, test::endpoint("[2001:db8:1::1]:80")}});
  RealServer real{"s1", {test::server_address(1, true), 8080}, Method::Nat, 1, false};
  serve({real}, service);
  auto spec = from_client(kSyn, 1);
  spec.source = {test::ip("2001:db8:c::10"), 1};
  spec.destination = test::endpoint("[2001:db8:1::1]:80");
  first.push(spec);
  EXPECT_EQ(tell().taken, 1u);
  spec.flags = kAck;
  EXPECT_EQ(second.push(spec).bytes, first.push(spec).bytes);
}

TEST_F(CoreSync, TheHandshakesOfAFloodComeLast) {
  serve({server(1)});
  for (std::uint16_t port = 1; port <= 500; ++port) first.push(from_client(kSyn, port));
  first.push(from_client(kAck, 500));
  const auto batch = first->take_changes(1, first.now);
  ASSERT_EQ(batch.records.size(), 1u);
  EXPECT_EQ(batch.records.front().client.port, 500);
}

TEST_F(CoreSync, StatesOfOtherProtocolsAndFamiliesAreRefused) {
  serve({server(1)});
  first.push(from_client(kSyn, 1));
  const auto batch = first->take_changes(100, first.now);
  for (const auto change : {0, 1, 2}) {
    auto bad = batch;
    auto& record = bad.records.front();
    if (change == 0) record.state = 200;
    if (change == 1) record.protocol = 50;
    if (change == 2) record.client.address = test::ip("2001:db8::1");
    EXPECT_EQ(second->put(bad, second.now).refused, 1u) << change;
  }
  EXPECT_EQ(second->connection_entries(), 0u);
}

TEST_F(CoreSync, AFullTableTakesNoMoreThanItHolds) {
  Director small{64};
  small.apply({AddService{test::service("web", test::web_listeners())}, AddServer{"web", server(1)}});
  small->follow_changes(true);
  serve({server(1)});
  for (std::uint16_t port = 1; port <= 200; ++port) {
    first.push(from_client(kSyn, port));
    first.push(from_client(kAck, port));
  }
  const auto applied = small->put(carried(first->take_changes(1000, first.now)), small.now);
  EXPECT_EQ(applied.taken, 64u);
  EXPECT_EQ(applied.refused, 136u);
  EXPECT_EQ(small->connection_entries(), 64u);
}

}  // namespace
}  // namespace lvsd::ipvs::engine

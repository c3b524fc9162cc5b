// Which connections get flows for the XDP program, when these go, and what was counted in them. In plain memory: the
// program's part is played by the test.
#include <gtest/gtest.h>

#include "ipvs/engine/core.hpp"
#include "ipvs/engine/fast_flows.hpp"
#include "ipvs/engine/used_next_hops.hpp"
#include "tests/support/conversation.hpp"
#include "tests/support/director.hpp"

namespace lvsd::ipvs::engine {
namespace {

using namespace std::chrono_literals;
using test::datagram;
using test::from_client;
using test::from_server;
using test::kAck;
using test::kBack;
using test::kFin;
using test::kFront;
using test::kSyn;
using test::server;

class FastPath : public ::testing::Test {
 protected:
  void SetUp() override { use(64); }

  void use(std::size_t flows) {
    flows_.assign(flows + 1, {});
    buckets_.assign(16, {});
    state_ = {};
    director->use_fast_path({flows_, buckets_, &state_});
  }

  void establish(std::uint16_t port = 40000) {
    director.push(from_client(kSyn, port));
    director.push(from_server(kSyn | kAck, 1, port), kBack);
    director.push(from_client(kAck, port));
  }
  void establish_both_ways(std::uint16_t port = 40000) {
    establish(port);
    director.push(from_server(kAck, 1, port), kBack);
  }
  std::uint64_t flows() { return director->fast_status().flows; }
  void look_after() { director->keep_fast_path(director.now, 1000, used_); }
  // As the program does for `packets` of 100 bytes.
  void forward(fast_direction direction, std::uint64_t packets) {
    for (auto& flow : flows_) {
      if (flow.kind == FAST_FREE || flow.direction != direction) continue;
      flow.counted += fast_count(packets, packets * 100);
      flow.last_seen = static_cast<std::uint64_t>(director.now.time_since_epoch() / 1ns);
    }
  }

  test::Director director;
  std::vector<fast_flow> flows_;
  std::vector<fast_bucket> buckets_;
  fast_state state_{};
  UsedNextHops used_;
};

TEST_F(FastPath, BeginsWhenAConnectionIsEstablished) {
  director.serve({server(1)});
  director.push(from_client(kSyn));
  director.push(from_server(kSyn | kAck), kBack);
  EXPECT_EQ(flows(), 0u);
  director.push(from_client(kAck));
  EXPECT_EQ(flows(), 1u);
  director.push(from_server(kAck), kBack);
  EXPECT_EQ(flows(), 2u);
  EXPECT_TRUE(director->connections({}, director.now).connections.front().fast_path);
}

TEST_F(FastPath, EndsWithTheFirstFin) {
  director.serve({server(1)});
  establish_both_ways();
  director.push(from_server(kFin | kAck), kBack);
  EXPECT_EQ(flows(), 0u);
  director.push(from_client(kAck));
  EXPECT_EQ(flows(), 0u) << "and does not begin again while it closes";
}

TEST_F(FastPath, TakesUdpWhenTheServerHasAnsweredAClientThatStays) {
  director.serve({server(1)});
  for (int i = 0; i < 8; ++i) director.push(datagram());
  EXPECT_EQ(flows(), 0u);
  auto answer = from_server(0);
  answer.protocol = 17;
  director.push(answer, kBack);
  director.push(datagram());
  EXPECT_EQ(flows(), 2u);
}

TEST_F(FastPath, WhatItForwardedIsCountedAsIfItHadComeThroughHere) {
  director.serve({server(1)});
  establish_both_ways();
  const auto before = test::status_of(director, "s1").statistics;
  forward(FAST_INBOUND, 10);
  forward(FAST_REPLY, 7);
  director->collect_fast_path();
  director->collect_fast_path();
  const auto after = test::status_of(director, "s1").statistics;
  EXPECT_EQ(after.in_packets - before.in_packets, 10u);
  EXPECT_EQ(after.in_bytes - before.in_bytes, 1000u);
  EXPECT_EQ(after.out_packets - before.out_packets, 7u);
  EXPECT_EQ(director->connections({}, director.now).connections.front().in_packets, 12u);
  EXPECT_EQ(director->fast_status().packets, 17u);
}

TEST_F(FastPath, WhatWasCountedAtTheVeryEndIsNotLost) {
  director.serve({server(1)});
  establish_both_ways();
  const auto before = test::status_of(director, "s1").statistics.in_packets;
  forward(FAST_INBOUND, 3);
  director.push(from_client(kFin | kAck));
  EXPECT_EQ(test::status_of(director, "s1").statistics.in_packets - before, 4u);
  forward(FAST_INBOUND, 2);  // a processor was still at it
  ASSERT_TRUE(director->begin_grace());
  director->end_grace();
  EXPECT_EQ(test::status_of(director, "s1").statistics.in_packets - before, 6u);
}

TEST_F(FastPath, KeepsAConnectionAliveThatOnlyTheProgramSees) {
  director.serve({server(1)});
  establish_both_ways();
  for (int minute = 0; minute < 30; ++minute) {
    director.now += 1min;
    forward(FAST_REPLY, 1);
    director->expire(director.now, 100000);
  }
  EXPECT_EQ(director->connection_entries(), 1u);
  director.now += 15min;
  director->expire(director.now, 100000);
  EXPECT_EQ(director->connection_entries(), 0u);
  EXPECT_EQ(flows(), 0u);
}

TEST_F(FastPath, FollowsTheServersHardwareAddress) {
  director.serve({server(1)});
  establish_both_ways();
  look_after();
  EXPECT_EQ(flows(), 2u);
  const base::MacAddress moved{{2, 0, 0, 0, 9, 9}};
  director->next_hops().set_neighbour({kBack, test::ip("10.0.0.11"), moved, true, false});
  look_after();
  EXPECT_EQ(flows(), 1u) << "the way to the client is the same";
  director.push(from_client(kAck));
  EXPECT_EQ(flows(), 2u);
  EXPECT_EQ(flows_[3].macs[5], 9);
  director->next_hops().set_neighbour({kBack, test::ip("10.0.0.11"), moved, false, false});
  look_after();
  EXPECT_EQ(flows(), 1u);
}

// The kernel does not see them, and has to be asked to look after its entry.
TEST_F(FastPath, MarksTheNextHopsItSendsTo) {
  director.serve({server(1)});
  establish_both_ways();
  look_after();
  EXPECT_FALSE(used_.contains(kBack, test::server_mac(1)));
  forward(FAST_INBOUND, 1);
  look_after();
  EXPECT_TRUE(used_.contains(kBack, test::server_mac(1)));
  EXPECT_FALSE(used_.contains(kFront, test::kClientMac));
}

TEST_F(FastPath, ANumberIsUsedAgainOnlyAfterAGracePeriod) {
  director.serve({server(1)});
  establish();
  director.push(from_client(kFin | kAck));
  establish(40001);
  EXPECT_EQ(flows_[1].kind, FAST_V4) << "somebody may be reading it";
  EXPECT_EQ(flows_[2].kind, FAST_V4);
  ASSERT_TRUE(director->begin_grace());
  EXPECT_FALSE(director->begin_grace()) << "one at a time";
  director->end_grace();
  EXPECT_EQ(flows_[1].kind, FAST_FREE);
  establish(40002);
  EXPECT_EQ(flows_[1].kind, FAST_V4);
}

TEST_F(FastPath, ARemovedServerIsThereUntilNothingCanBeForwardedToItAnyMore) {
  director.serve({server(1)});
  ConnectionPolicy policy;
  policy.expire_nodest_conn = true;
  director->set_policy(policy);
  establish_both_ways();
  director.apply({RemoveServer{"web", "s1"}});
  director->expire(director.now, 100000);
  EXPECT_EQ(director->connection_entries(), 0u);
  EXPECT_EQ(flows(), 0u);
  director->expire(director.now, 100000);
  EXPECT_EQ(director->status().front().servers.size(), 1u) << "its flows may still be in the hands of a processor";
  ASSERT_TRUE(director->begin_grace());
  director->end_grace();
  director->expire(director.now, 100000);
  EXPECT_EQ(director->status().front().servers.size(), 0u);
}

TEST_F(FastPath, UdpLeavesAServerThatFails) {
  director.serve({server(1, Method::Dr)});
  for (int i = 0; i < 5; ++i) director.push(datagram());
  EXPECT_EQ(flows(), 1u);
  auto down = server(1, Method::Dr);
  down.down = true;
  director.apply({SetServer{"web", down}});
  look_after();
  EXPECT_EQ(flows(), 0u);
}

TEST_F(FastPath, IsOffByTheEngineAndByTheService) {
  director.serve({server(1)});
  establish_both_ways();
  director->enable_fast_path(false);
  look_after();
  director.push(from_client(kAck));
  EXPECT_EQ(flows(), 0u);
  director->enable_fast_path(true);
  director.push(from_client(kAck));
  EXPECT_EQ(flows(), 1u);
  auto without = test::service("web", test::web_listeners());
  without.options.fast_path = false;
  director.apply({SetService{without}});
  look_after();
  director.push(from_client(kAck));
  EXPECT_EQ(flows(), 0u);
}

TEST_F(FastPath, TheNewestConnectionWithAServerGetsItsReplies) {
  director.apply({AddService{test::service("web", test::web_listeners())}, AddServer{"web", server(1)},
                  AddService{test::service("other", {{Protocol::Tcp, test::endpoint("198.51.100.2:80")}})},
                  AddServer{"other", server(1)}});
  establish_both_ways();
  EXPECT_EQ(flows(), 2u);
  auto again = from_client(kSyn);
  again.destination = test::endpoint("198.51.100.2:80");
  director.push(again);
  EXPECT_EQ(flows(), 0u) << "from the server they look the same";
}

TEST_F(FastPath, AFullTableRefusesAndIsCounted) {
  use(3);
  director.serve({server(1)});
  establish_both_ways(40000);
  establish_both_ways(40001);
  EXPECT_EQ(director->fast_status().capacity, 3u);
  EXPECT_EQ(flows(), 3u);
  EXPECT_EQ(director->fast_status().refused, 1u);
  director.now += 3s;
  look_after();
  EXPECT_EQ(flows(), 2u) << "idle ones make room when there is little";
  director.push(from_server(kAck, 1, 40001), kBack);
  EXPECT_EQ(director->fast_status().refused, 2u) << "but not before the grace period";
  ASSERT_TRUE(director->begin_grace());
  director->end_grace();
  director.push(from_server(kAck, 1, 40001), kBack);
  EXPECT_EQ(flows(), 3u);
}

TEST_F(FastPath, ASuccessorTakesUpTheFlowsAndWhatTheyCounted) {
  director.serve({server(1)});
  establish_both_ways(40000);
  establish_both_ways(40001);
  const auto before = test::status_of(director, "s1").statistics.in_packets;
  forward(FAST_INBOUND, 5);
  director.now += 10s;
  director.restart();
  director->use_fast_path({flows_, buckets_, &state_});
  director.serve({server(1)});
  look_after();
  EXPECT_EQ(flows(), 4u);
  EXPECT_EQ(test::status_of(director, "s1").statistics.in_packets - before, 10u);
  director.push(from_client(kFin | kAck, 40001));
  EXPECT_EQ(flows(), 2u);
}

TEST_F(FastPath, ASuccessorWithoutTheFlowsGoesOnWithTheConnections) {
  director.serve({server(1)});
  establish_both_ways();
  director.restart();
  director.serve({server(1)});
  director.push(from_client(kFin | kAck));
  director.push(from_server(kFin | kAck), kBack);
  EXPECT_EQ(test::state_of_only_connection(director), "TIME_WAIT");
}

TEST_F(FastPath, ASuccessorWithoutTheConnectionsTakesTheFlowsAway) {
  director.serve({server(1)});
  establish_both_ways();
  test::Director other;
  other->use_fast_path({flows_, buckets_, &state_});
  EXPECT_EQ(other->fast_status().flows, 0u);
  for (const auto& bucket : buckets_) {
    for (const auto tag : bucket.tags) EXPECT_EQ(tag, 0);
  }
}

}  // namespace
}  // namespace lvsd::ipvs::engine

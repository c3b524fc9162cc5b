// What the core says would become of a packet is what becomes of it, and asking changes nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ipvs/engine/core.hpp"
#include "ipvs/names.hpp"
#include "tests/support/director.hpp"

namespace lvsd::ipvs::engine {
namespace {

using test::Director;
using test::endpoint;
using test::server;

Trace ask(Director& director, const char* protocol, const char* source, const char* destination) {
  const auto name = [](std::uint32_t index) { return "if" + std::to_string(index); };
  return director->trace({0, protocol, endpoint(source), endpoint(destination)}, name, director.now);
}

std::string told(const Trace& trace, std::string_view subject) {
  for (const auto& step : trace.steps) {
    if (step.subject == subject) return step.finding;
  }
  return "";
}

TEST(CoreTrace, ForeseesTheServerOfEveryScheduler) {
  for (const auto& [kind, word] : kSchedulerNames) {
    if (kind == SchedulerKind::Twos) continue;  // drawn at random
    Director director;
    director.serve({server(1, Method::Nat, 3), server(2, Method::Nat, 1), server(3, Method::Dr, 2)}, kind);
    for (std::uint16_t port = 1; port <= 40; ++port) {
      test::FrameSpec syn;
      syn.source.port = port;
      const auto source = syn.source.to_string();
      const auto first = ask(director, "tcp", source.c_str(), "198.51.100.1:80");
      const auto second = ask(director, "tcp", source.c_str(), "198.51.100.1:80");
      director.push(syn);
      const auto listed = director->connections({0, "", "", "", 1000}, director.now).connections;
      const auto real =
          std::find_if(listed.begin(), listed.end(), [&](const auto& c) { return c.client == syn.source; });
      if (real == listed.end()) {  // ovf: all have more connections than their weight
        ASSERT_EQ(first.reason, "no_server") << word;
        continue;
      }
      ASSERT_EQ(first.server, real->server) << word;
      ASSERT_EQ(second.server, real->server) << word;
    }
  }
}

TEST(CoreTrace, NamesTheConnectionThatIsThere) {
  Director director;
  director.serve({server(1)});
  director.push(test::FrameSpec{});
  const auto trace = ask(director, "tcp", "192.0.2.10:40000", "198.51.100.1:80");
  EXPECT_EQ(told(trace, "connection"), "SYN_RECV, 1 packets so far");
  EXPECT_EQ(trace.outcome, TraceOutcome::forward);
  EXPECT_EQ(told(trace, "server"), "web/s1 at 10.0.0.11:8080 by nat");
  EXPECT_EQ(told(trace, "way out"), "if3, next hop 10.0.0.11 at 02:00:00:00:01:01, MTU 1500");
}

TEST(CoreTrace, SaysWhyNobodyTakesIt) {
  Director director;
  auto down = server(1);
  down.down = true;
  director.serve({down, server(2, Method::Nat, 0)});
  const auto trace = ask(director, "tcp", "192.0.2.10:1", "198.51.100.1:80");
  EXPECT_EQ(trace.outcome, TraceOutcome::drop);
  EXPECT_EQ(trace.reason, "no_server");
  EXPECT_EQ(trace.steps.at(2).finding, "s1: fails its checks");
  EXPECT_EQ(trace.steps.at(3).finding, "s2: weight 0");
}

TEST(CoreTrace, WhatIsNotForTheEngineGoesToTheKernel) {
  Director director;
  director.serve({server(1)});
  EXPECT_EQ(ask(director, "tcp", "192.0.2.10:1", "198.51.100.1:22").outcome, TraceOutcome::kernel);
  EXPECT_EQ(ask(director, "udp", "192.0.2.10:1", "198.51.100.9:53").outcome, TraceOutcome::kernel);
  EXPECT_THAT(ask(director, "icmp", "192.0.2.10:1", "198.51.100.1:80").problem, testing::HasSubstr("tcp, udp or sctp"));
  EXPECT_THAT(ask(director, "tcp", "[2001:db8::1]:1", "198.51.100.1:80").problem, testing::HasSubstr("families"));
}

TEST(CoreTrace, TellsAWayThatIsMissing) {
  Director director;
  auto far = server(1);
  far.address.address = test::ip("203.0.113.9");
  far.method = Method::Dr;
  far.address.port = 0;
  director.serve({far});
  const auto trace = ask(director, "tcp", "192.0.2.10:1", "198.51.100.1:80");
  EXPECT_EQ(told(trace, "way out"), "no interface on the server's network");
  EXPECT_EQ(trace.reason, "no_route");
}

}  // namespace
}  // namespace lvsd::ipvs::engine

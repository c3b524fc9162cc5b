// What the next process finds in the memory of the last one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "ipvs/engine/core.hpp"
#include "tests/support/director.hpp"

namespace lvsd::ipvs::engine {
namespace {

using namespace std::chrono_literals;
using test::Director;
using test::FrameSpec;
using test::kAck;
using test::kFront;
using test::kSyn;
using test::server;

FrameSpec client(std::uint8_t flags, std::uint16_t port) {
  FrameSpec spec;
  spec.flags = flags;
  spec.source.port = port;
  return spec;
}

TEST(CoreAdoption, ConnectionsFindTheirServersAgain) {
  Director director;
  director.serve({server(1), server(2), server(3, Method::Dr)});
  std::vector<test::Bytes> before;
  for (std::uint16_t port = 1; port <= 30; ++port) {
    director.push(client(kSyn, port));
    before.push_back(director.push(client(kAck, port)).bytes);
  }
  director.restart();
  director.serve({server(3, Method::Dr), server(2), server(1)});  // in another order
  EXPECT_EQ(director->connection_entries(), 30u);
  EXPECT_EQ(director->live_flows().size(), 20u);
  for (std::uint16_t port = 1; port <= 30; ++port) {
    EXPECT_EQ(director.push(client(kAck, port)).bytes, before[port - 1u]);
  }
  const auto status = director->status().front();
  EXPECT_EQ(status.statistics.in_packets, 90u);
  for (const auto& s : status.servers) EXPECT_EQ(s.active_connections, 10u) << s.name;
}

TEST(CoreAdoption, AServerThatIsNoLongerConfiguredDrains) {
  Director director;
  director.serve({server(1)});
  director.push(client(kSyn, 1));
  director.restart();
  director.serve({server(2)});
  EXPECT_EQ(director.push(client(kAck, 1)).bytes[33], 11);
  const auto servers = director->status().front().servers;
  ASSERT_EQ(servers.size(), 2u);
  EXPECT_EQ(servers[1].name, "s1");
  EXPECT_EQ(servers[1].state, ServerState::drain);
}

TEST(CoreAdoption, TimeGoesOn) {
  Director director;
  director.serve({server(1)});
  director.push(client(kSyn, 1));
  director.restart();
  director.serve({server(1)});
  director.now += 60s;
  director->expire(director.now, 100);
  EXPECT_EQ(director->connection_entries(), 0u);
}

TEST(CoreAdoption, NamesOfAnyLengthAreRecognised) {
  Director director;
  const std::string service(300, 'v');
  auto long_named = server(1);
  long_named.name = std::string(200, 's') + "1";
  auto sibling = server(1);
  sibling.name = std::string(200, 's') + "2";
  const std::vector<Command> commands{AddService{test::service(service, test::web_listeners())},
                                      AddServer{service, long_named}, AddServer{service, sibling}};
  director.apply(commands);
  director.push(client(kSyn, 1));
  director.restart();
  director.apply(commands);
  const auto servers = director->status().front().servers;
  ASSERT_EQ(servers.size(), 2u);
  EXPECT_EQ(servers[0].active_connections, 1u);
  EXPECT_EQ(servers[0].name, long_named.name);
}

TEST(CoreAdoption, ATableOfAnotherSizeIsNotAdopted) {
  test::TableBytes memory{2048};
  Core first{memory.span(), 2048, 1};
  test::lay_network(first.next_hops());
  Core second{memory.span(), 1024, 1};
  EXPECT_EQ(second.connection_entries(), 0u);
}

// Whatever stands in the memory: the next process works, and what it works with is in bounds (ASan watches).
TEST(CoreAdoption, ACorruptTableDoesNoHarm) {
  const bool holds = rc::check([] {
    Director director{64};
    director.serve({server(1), server(2, Method::Dr)});
    for (std::uint16_t port = 1; port <= 40; ++port) director.push(client(kSyn, port));
    auto memory = director.memory();
    const auto used = Core::memory_size(64);
    const std::size_t header = *rc::gen::arbitrary<bool>() ? 24 : 64;  // often behind magic and size
    const auto damages = *rc::gen::inRange(1, 200);
    for (int i = 0; i < damages; ++i) {
      const auto area = *rc::gen::inRange(0, 3);
      const auto from = area == 0 ? header : area == 1 ? used - std::size_t{64} * 64 : std::size_t{64};
      const auto to = area == 0 ? header + 3 * 256 : area == 1 ? used : used - std::size_t{64} * 64;
      memory[*rc::gen::inRange(from, to)] = static_cast<std::byte>(*rc::gen::arbitrary<std::uint8_t>());
    }
    director.restart();
    director.serve({server(1), server(2, Method::Dr)});
    for (std::uint16_t port = 1; port <= 60; ++port) director.push(client(port % 2 == 0 ? kSyn : kAck, port));
    static_cast<void>(director->status());
    static_cast<void>(director->connections({}, director.now));
    director.now += std::chrono::hours{1};
    for (int i = 0; i < 4; ++i) director->expire(director.now, 64);
    RC_ASSERT(director->connection_entries() <= 64u);
  });
  EXPECT_TRUE(holds);
}

}  // namespace
}  // namespace lvsd::ipvs::engine

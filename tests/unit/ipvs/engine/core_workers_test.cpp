// Several cores as one director: whatever worker a packet comes to, the one that has its connection decides, and what
// they do together is what one would do.
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "ipvs/engine/core.hpp"
#include "ipvs/engine/frame.hpp"
#include "tests/support/conversation.hpp"
#include "tests/support/crew.hpp"

namespace lvsd::ipvs::engine {
namespace {

using namespace std::chrono_literals;
using test::Bytes;
using test::Crew;
using test::endpoint;
using test::FrameSpec;
using test::kBack;
using test::kFront;

class CoreWorkers : public testing::TestWithParam<unsigned> {
 protected:
  unsigned workers() const { return GetParam(); }

  static base::IpAddress client_address(std::uint32_t n) { return base::IpAddress::v4(0x0b000001u + n * 257); }
  static FrameSpec from_client(std::uint32_t n, std::uint8_t flags, std::uint16_t port = 40000) {
    auto spec = test::from_client(flags, port);
    spec.source.address = client_address(n);
    return spec;
  }
  static FrameSpec reply_to(const Crew::Outcome& outcome, std::uint8_t flags) {
    const auto frame = parse(outcome.bytes);
    FrameSpec spec;
    spec.to = test::kBackMac;
    spec.from = test::server_mac(1);
    spec.protocol = frame.protocol;
    spec.source = to_endpoint(frame.destination, frame.destination_port);
    spec.destination = to_endpoint(frame.source, frame.source_port);
    spec.flags = flags;
    return spec;
  }
  static void serve(Crew& crew, Method method, int servers = 3, SchedulerKind scheduler = SchedulerKind::Rr,
                    const ServerOptions& options = {}) {
    auto service = test::service("web", test::web_listeners(), scheduler);
    service.options.local_addresses = {test::ip("10.0.0.200"), test::ip("10.0.0.201")};
    std::vector<Command> commands{AddService{service}};
    for (int n = 1; n <= servers; ++n) {
      auto server = test::server(n, method);
      if (method == Method::Fullnat) server.address.port = 8080;
      server.options = options;
      commands.push_back(AddServer{"web", server});
    }
    crew.apply(commands);
  }
  static std::map<std::string, std::uint64_t> active(Crew& crew) {
    std::map<std::string, std::uint64_t> all;
    for (unsigned w = 0; w < crew.size(); ++w) {
      for (const auto& service : crew.core(w).status()) {
        for (const auto& server : service.servers) all[server.name] += server.active_connections;
      }
    }
    return all;
  }
};

INSTANTIATE_TEST_SUITE_P(Workers, CoreWorkers, testing::Values(1u, 2u, 3u, 7u),
                         [](const auto& test) { return std::to_string(test.param); });

TEST_P(CoreWorkers, TheOwnerOfARequestDecidesOnItsReplyWhereverItArrives) {
  for (const auto method : {Method::Nat, Method::Fullnat}) {
    Crew crew{workers()};
    serve(crew, method);
    std::uint64_t handed = 0;
    for (std::uint32_t n = 0; n < 120; ++n) {
      const auto syn = crew.push(from_client(n, test::kSyn), kFront, n % workers());
      ASSERT_EQ(syn.verdict.action, Action::Send) << n;
      ASSERT_EQ(syn.verdict.interface, kBack);
      const auto answer = crew.push(reply_to(syn, test::kSyn | test::kAck), kBack, (n + 1) % workers());
      ASSERT_EQ(answer.verdict.action, Action::Send) << n;
      ASSERT_EQ(answer.worker, syn.worker) << n;
      ASSERT_LE(answer.hops, 1u);
      const auto frame = parse(answer.bytes);
      EXPECT_EQ(to_endpoint(frame.source, frame.source_port), endpoint("198.51.100.1:80"));
      EXPECT_EQ(to_endpoint(frame.destination, frame.destination_port),
                (base::Endpoint{client_address(n), std::uint16_t{40000}}));
      handed += answer.hops;
    }
    EXPECT_EQ(crew.connections(), 120u);
    if (workers() > 1) {
      EXPECT_GT(handed, 20u);
    }
  }
}

TEST_P(CoreWorkers, ErrorsAboutAConnectionReachItsOwner) {
  for (const auto method : {Method::Nat, Method::Fullnat}) {
    Crew crew{workers()};
    serve(crew, method);
    for (std::uint32_t n = 0; n < 60; ++n) {
      const auto sent = crew.push(from_client(n, test::kSyn), kFront, 0);
      const auto at = (sent.worker + 1) % workers();
      // A router before the server quotes what the director sent; one before the client what the virtual address did.
      FrameSpec router;
      router.to = test::kBackMac;
      router.source = {test::ip("10.0.0.77"), 0};
      router.destination = reply_to(sent, 0).destination;
      const auto quoted = Bytes(sent.bytes.begin() + 14, sent.bytes.end());
      const auto unreachable = crew.push(test::make_icmp(router, 3, 1, 0, quoted), kBack, at);
      ASSERT_EQ(unreachable.verdict.action, Action::Send) << n;
      EXPECT_EQ(unreachable.worker, sent.worker);
      const auto answer = crew.push(reply_to(sent, test::kSyn | test::kAck), kBack, at);
      FrameSpec before;
      before.source = {test::ip("192.0.2.77"), 0};
      before.destination = {test::ip("198.51.100.1"), 0};
      const auto ours = Bytes(answer.bytes.begin() + 14, answer.bytes.end());
      const auto too_big = crew.push(test::make_icmp(before, 3, 4, 1400, ours), kFront, at);
      ASSERT_EQ(too_big.verdict.action, Action::Send) << n;
      EXPECT_EQ(too_big.worker, sent.worker);
    }
  }
}

TEST_P(CoreWorkers, FragmentsFollowTheirFirstOne) {
  for (const auto method : {Method::Nat, Method::Fullnat}) {
    Crew crew{workers()};
    serve(crew, method);
    for (std::uint32_t n = 0; n < 60; ++n) {
      auto request = from_client(n, 0);
      request.protocol = 17;
      request.destination.port = 53;
      request.fragment = 0;
      request.payload = Bytes(1200, 0x5a);
      unsigned at = n;
      Crew::Outcome first;
      for (const auto& piece : test::cut(make_frame(request), {400, 800}, n)) {
        const auto outcome = crew.push(piece, kFront, ++at % workers());
        ASSERT_EQ(outcome.verdict.action, Action::Send) << n;
        if (first.bytes.empty()) first = outcome;
        EXPECT_EQ(outcome.worker, first.worker);
      }
      auto reply = reply_to(first, 0);
      reply.fragment = 0;
      reply.payload = Bytes(1200, 0x5b);
      for (const auto& piece : test::cut(make_frame(reply), {400, 800}, 1000 + n)) {
        const auto outcome = crew.push(piece, kBack, ++at % workers());
        ASSERT_EQ(outcome.verdict.action, Action::Send)
            << n << ": " << name(outcome.verdict.reason) << " at " << outcome.worker << " after " << outcome.hops;
        EXPECT_EQ(outcome.worker, first.worker);
        EXPECT_LE(outcome.hops, 2u);
      }
    }
  }
}

TEST_P(CoreWorkers, LeastConnectionsCountsThoseOfAllWorkers) {
  Crew crew{workers()};
  serve(crew, Method::Dr, 3, SchedulerKind::Lc);
  for (std::uint32_t n = 0; n < 300; ++n) crew.push(from_client(n, test::kSyn), kFront, n % workers());
  for (const auto& [server, count] : active(crew)) EXPECT_EQ(count, 100u) << server;
}

TEST_P(CoreWorkers, RoundRobinIsFairWithinOneConnectionPerWorker) {
  Crew crew{workers()};
  serve(crew, Method::Dr);
  for (std::uint32_t n = 0; n < 300; ++n) crew.push(from_client(n, test::kSyn), kFront, 0);
  for (const auto& [server, count] : active(crew)) EXPECT_NEAR(static_cast<double>(count), 100.0, workers()) << server;
}

TEST_P(CoreWorkers, AServersLimitIsForAllWorkersTogether) {
  Crew crew{workers()};
  ServerOptions options;
  options.max_connections = 10;
  serve(crew, Method::Dr, 2, SchedulerKind::Rr, options);
  unsigned refused = 0;
  for (std::uint32_t n = 0; n < 50; ++n) {
    const auto outcome = crew.push(from_client(n, test::kSyn), kFront, 0);
    refused += outcome.verdict.reason == DropReason::NoServer ? 1u : 0u;
  }
  EXPECT_EQ(refused, 30u);
  for (const auto& [server, count] : active(crew)) EXPECT_EQ(count, 10u) << server;
}

TEST_P(CoreWorkers, AServicesLimitIsForAllWorkersTogether) {
  Crew crew{workers()};
  auto service = test::service("web", test::web_listeners());
  service.options.max_connections = 20;
  crew.apply({AddService{service}, AddServer{"web", test::server(1, Method::Nat)}});
  for (std::uint32_t n = 0; n < 60; ++n) {
    const auto syn = crew.push(from_client(n, test::kSyn), kFront, 0);
    if (syn.verdict.action != Action::Send) continue;
    crew.push(reply_to(syn, test::kSyn | test::kAck), kBack, 0);
    crew.push(from_client(n, test::kAck), kFront, 0);
  }
  EXPECT_EQ(crew.connections(), 20u);
}

// The addresses of one /24 are one client, and so one worker's.
TEST_P(CoreWorkers, ClientsThatPersistTogetherGetOneServer) {
  Grouping grouping;
  grouping.prefix_v4 = 24;
  Crew crew{workers(), grouping};
  auto service = test::service("web", test::web_listeners());
  service.options.persistence = {300s, 24, false};
  crew.apply({AddService{service}, AddServer{"web", test::server(1, Method::Dr)},
              AddServer{"web", test::server(2, Method::Dr)}, AddServer{"web", test::server(3, Method::Dr)}});
  std::set<std::string> all;
  for (std::uint32_t net = 0; net < 20; ++net) {
    std::set<base::MacAddress> servers;
    for (std::uint32_t host = 1; host < 20; ++host) {
      auto spec = from_client(0, test::kSyn);
      spec.source.address = base::IpAddress::v4(0x0b000000u + (net << 8) + host);
      const auto sent = crew.push(spec, kFront, host % workers());
      ASSERT_EQ(sent.verdict.action, Action::Send);
      all.insert(sent.verdict.next_hop.to_string());
      servers.insert(
          base::MacAddress{{sent.bytes[0], sent.bytes[1], sent.bytes[2], sent.bytes[3], sent.bytes[4], sent.bytes[5]}});
    }
    EXPECT_EQ(servers.size(), 1u) << net;
  }
  EXPECT_EQ(all.size(), 3u);
}

TEST_P(CoreWorkers, ARemovedServerDrainsAtEachWorkerThatHasItsConnections) {
  Crew crew{workers()};
  serve(crew, Method::Nat, 2);
  std::vector<Crew::Outcome> sent;
  for (std::uint32_t n = 0; n < 60; ++n) sent.push_back(crew.push(from_client(n, test::kSyn), kFront, 0));
  crew.apply({RemoveServer{"web", "s1"}});
  unsigned of_removed = 0;
  for (std::uint32_t n = 0; n < 60; ++n) {
    const auto answer = crew.push(reply_to(sent[n], test::kSyn | test::kAck), kBack, n % workers());
    EXPECT_EQ(answer.verdict.action, Action::Send) << "what began goes on";
    of_removed += parse(sent[n].bytes).destination == to_packet(test::server_address(1)) ? 1u : 0u;
  }
  EXPECT_NEAR(of_removed, 30u, workers());
  // Added again, it has them again, and the scheduler knows of them.
  crew.apply({AddServer{"web", test::server(1)}});
  EXPECT_EQ(active(crew)["s1"], of_removed);
  EXPECT_EQ(crew.connections(), 60u);
}

// Nobody lets packets wander for ever, whatever they disagree on.
TEST_P(CoreWorkers, APacketIsHandedOverTwiceAtMost) {
  Crew crew{workers()};
  serve(crew, Method::Nat);
  Grouping other;
  for (unsigned w = 0; w < workers(); ++w) {
    other.key = w * 77 + 1;
    crew.core(w).set_grouping(other);
  }
  for (std::uint32_t n = 0; n < 200; ++n) EXPECT_LE(crew.push(from_client(n, test::kSyn), kFront, 0).hops, 2u);
}

// After a restart with another grouping connections move to where their packets come to now.
TEST_P(CoreWorkers, ConnectionsMoveToTheirNewOwner) {
  Crew crew{workers()};
  auto service = test::service("web", test::web_listeners());
  service.options.persistence = {300s, 0, false};
  const std::vector<Command> table{AddService{service}, AddServer{"web", test::server(1, Method::Nat)},
                                   AddServer{"web", test::server(2, Method::Nat)}};
  crew.apply(table);
  std::vector<Crew::Outcome> sent;
  for (std::uint32_t n = 0; n < 100; ++n) {
    sent.push_back(crew.push(from_client(n, test::kSyn), kFront, 0));
    crew.push(reply_to(sent[n], test::kSyn | test::kAck), kBack, 0);
    crew.push(from_client(n, test::kAck), kFront, 0);
  }
  ASSERT_EQ(crew.connections(), 200u) << "each with its persistence";
  Grouping grouping;
  grouping.prefix_v4 = 16;
  crew.restart(grouping);
  crew.apply(table);
  std::uint64_t moved = 0;
  for (unsigned from = 0; from < workers(); ++from) {
    const auto batch = crew.core(from).take_misplaced(crew.now);
    moved += batch.records.size();
    for (unsigned to = 0; to < workers(); ++to) {
      auto part = batch;
      std::erase_if(part.records, [&](const sync::Record& r) { return crew.core(to).owner_of(r) != to; });
      const auto applied = crew.core(to).put(part, crew.now);
      EXPECT_EQ(applied.taken, part.records.size());
    }
  }
  if (workers() > 1) {
    EXPECT_GT(moved, 20u);
  }
  EXPECT_EQ(crew.connections(), 200u);
  for (std::uint32_t n = 0; n < 100; ++n) {
    EXPECT_EQ(crew.push(from_client(n, test::kAck), kFront, 0).verdict.action, Action::Send) << n;
    EXPECT_EQ(crew.push(reply_to(sent[n], test::kAck), kBack, n % workers()).verdict.action, Action::Send) << n;
  }
  EXPECT_EQ(active(crew)["s1"] + active(crew)["s2"], 100u);
}

}  // namespace
}  // namespace lvsd::ipvs::engine

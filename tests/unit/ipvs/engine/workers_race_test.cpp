// Several cores on threads of their own, joined by the relay as workers are, while the control thread changes the table
// under them: nothing is lost between them, and (built with ThreadSanitizer) nothing is shared that is not meant to be.
#include <array>
#include <atomic>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "ipvs/engine/division.hpp"
#include "ipvs/engine/frame.hpp"
#include "ipvs/engine/mailbox.hpp"
#include "ipvs/engine/merge.hpp"
#include "ipvs/engine/relay.hpp"
#include "ipvs/engine/shared_load.hpp"
#include "tests/support/director.hpp"

namespace lvsd::ipvs::engine {
namespace {

using namespace std::chrono_literals;
using test::Bytes;
using test::FrameSpec;
using test::kBack;
using test::kFront;

constexpr std::uint32_t kConnections = 4096;
constexpr std::uint32_t kClients = 300;
constexpr auto kPatience = 60s;

// A worker without sockets: what it sends to a server comes back as the server's reply, to any of the workers.
class Seat {
 public:
  Seat(Relay& relay, LoadBook& loads, unsigned mine)
      : relay_{relay}, mine_{mine}, memory_{kConnections}, core_{memory_.span(), kConnections, mine}, random_{mine} {
    core_.join({relay.workers(), mine, &loads}, {});
    test::lay_network(core_.next_hops(), 8);
  }
  ~Seat() { stop(); }

  void start(std::uint32_t packets) {
    thread_ = std::thread{[this, packets] { run(packets); }};
  }
  void stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }
  void call(const std::function<void(Core&)>& task) {
    ASSERT_TRUE(mailbox_.call([&] { task(core_); }, kPatience));
  }

  std::atomic<bool> open{false};      // clients may come
  std::atomic<bool> finished{false};  // has sent all it wanted to
  std::uint64_t forwarded = 0;        // the rest: once it has stopped
  std::uint64_t answered = 0;
  std::uint64_t handed_over = 0;
  std::uint64_t foreign = 0;  // packets whose client came out wrong
  std::uint64_t full = 0;

 private:
  void run(std::uint32_t packets) {
    while (!stop_) {
      now_ += 1ms;
      mailbox_.run();
      for (int i = 0; open && i < 8 && packets != 0; ++i, --packets) from_client();
      if (packets == 0) finished = true;
      for (unsigned from = 0; from < relay_.workers(); ++from) {
        if (from != mine_) serve(relay_.ring(from, mine_));
      }
      core_.expire(now_, 64);
      publish();
      if (packets == 0) sleep();
    }
    mailbox_.run();
  }

  void sleep() {
    relay_.going_to_sleep(mine_);
    std::this_thread::yield();
    relay_.awake(mine_);
  }

  void from_client() {
    FrameSpec spec;
    const auto client = static_cast<std::uint32_t>(random_() % kClients);
    spec.source = {base::IpAddress::v4(0x0b000001u + client), static_cast<std::uint16_t>(20000 + random_() % 4)};
    spec.flags = kFlags[random_() % kFlags.size()];
    if (random_() % 4 == 0) {
      spec.protocol = 17;
      spec.destination.port = 53;
    }
    auto bytes = make_frame(spec);
    Bytes room(64 + bytes.size() + 128);
    std::copy(bytes.begin(), bytes.end(), room.begin() + 64);
    decide({room.data() + 64, static_cast<std::uint32_t>(bytes.size()), 64, 128, kFront});
  }

  void serve(RelayRing& ring) {
    const auto count = ring.available();
    for (std::uint32_t i = 0; i < count; ++i) decide(ring.at(i).packet());
    ring.pop(count);
  }

  void decide(Packet packet) {
    Verdict verdict;
    core_.forward({&packet, 1}, {&verdict, 1}, now_);
    static_cast<void>(core_.take_flow_changes());
    static_cast<void>(core_.take_extra_frames());
    if (verdict.action == Action::HandOver) {
      ++handed_over;
      return push(verdict.worker, packet, static_cast<std::uint8_t>(packet.hops + 1));
    }
    if (verdict.action != Action::Send || verdict.reason != DropReason::None) return;
    if (verdict.interface == kBack) {
      ++forwarded;
      reply_to(packet);
    } else {
      ++answered;
      const auto frame = parse({packet.data, packet.length});
      if (to_address(frame.source) != test::ip("198.51.100.1") || frame.destination.v4() == 0) ++foreign;
    }
  }

  void reply_to(const Packet& packet) {
    const auto frame = parse({packet.data, packet.length});
    FrameSpec spec;
    spec.to = test::kBackMac;
    spec.from = test::server_mac(1);
    spec.protocol = frame.protocol;
    spec.source = to_endpoint(frame.destination, frame.destination_port);
    spec.destination = to_endpoint(frame.source, frame.source_port);
    spec.flags = (frame.tcp_flags & test::kSyn) != 0 ? test::kSyn | test::kAck : frame.tcp_flags;
    auto bytes = make_frame(spec);
    const auto to = static_cast<unsigned>(random_() % relay_.workers());
    if (to == mine_) return;  // half of them are enough
    push(to, {bytes.data(), static_cast<std::uint32_t>(bytes.size()), 0, 0, kBack}, 0);
  }

  void push(unsigned to, const Packet& packet, std::uint8_t hops) {
    auto& ring = relay_.ring(mine_, to);
    if (!ring.push({packet.data, packet.length}, packet.interface, RelayedFrame::Purpose::Decide, hops)) ++full;
  }
  void publish() {
    for (unsigned to = 0; to < relay_.workers(); ++to) {
      if (to != mine_ && relay_.ring(mine_, to).publish()) relay_.wake(to);
    }
  }

  static constexpr std::array<std::uint8_t, 6> kFlags{
      test::kSyn, test::kAck, test::kAck, test::kPsh | test::kAck, test::kFin | test::kAck, test::kRst};
  Relay& relay_;
  unsigned mine_;
  test::TableBytes memory_;
  Core core_;
  Mailbox mailbox_;
  std::mt19937 random_;
  base::TimePoint now_{std::chrono::hours{100}};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

class Seats {
 public:
  explicit Seats(unsigned workers) : relay_{std::move(*Relay::create(workers))} {
    for (unsigned i = 0; i < workers; ++i) all.push_back(std::make_unique<Seat>(*relay_, loads_, i));
  }
  ~Seats() {
    for (auto& seat : all) seat->stop();
  }
  void apply(const std::vector<Command>& commands) {
    KnownAddresses known;
    for (auto& seat : all) {
      seat->call([&](Core& core) {
        EXPECT_TRUE(core.apply(commands, base::TimePoint{std::chrono::hours{100}}));
        merge(known, core.known_addresses());
      });
    }
    for (auto& seat : all) seat->call([&](Core& core) { core.know(known); });
  }
  std::vector<ServiceStatus> status() {
    std::vector<ServiceStatus> merged;
    for (auto& seat : all) seat->call([&](Core& core) { merge(merged, core.status()); });
    return merged;
  }
  bool finished() const {
    return std::ranges::all_of(all, [](const auto& seat) { return seat->finished.load(); });
  }

 private:
  std::unique_ptr<Relay> relay_;
  LoadBook loads_;

 public:
  std::vector<std::unique_ptr<Seat>> all;
};

class WorkersRace : public testing::TestWithParam<Method> {};
INSTANTIATE_TEST_SUITE_P(Methods, WorkersRace, testing::Values(Method::Nat, Method::Fullnat, Method::Dr),
                         [](const auto& test) {
                           return test.param == Method::Nat ? "Nat" : test.param == Method::Dr ? "Dr" : "Fullnat";
                         });

TEST_P(WorkersRace, ServersComeAndGoUnderTraffic) {
  Seats seats{3};
  auto service = test::service("web", test::web_listeners(), SchedulerKind::Wlc);
  service.options.local_addresses = {test::ip("10.0.0.200")};
  const auto real = [](int n) {
    auto server = test::server(n, GetParam());
    if (GetParam() == Method::Fullnat) server.address.port = 8080;
    server.options.max_connections = 200;
    return server;
  };
  for (auto& seat : seats.all) seat->start(6000);
  seats.apply({AddService{service}, AddServer{"web", real(1)}, AddServer{"web", real(2)}});
  for (auto& seat : seats.all) seat->open = true;
  for (int turn = 0; !seats.finished(); ++turn) {
    const auto changing = real(3 + turn % 3);
    seats.apply({AddServer{"web", changing}});
    ASSERT_EQ(seats.status().size(), 1u);
    seats.apply({RemoveServer{"web", changing.name}});
    for (auto& seat : seats.all)
      seat->call([&](Core& core) { static_cast<void>(core.connections({}, base::TimePoint{100h})); });
  }
  // Each counts its own; what they hold together for a server is what the schedulers go by.
  std::uint64_t answered = 0;
  std::uint64_t handed_over = 0;
  for (auto& seat : seats.all) {
    seat->stop();
    EXPECT_EQ(seat->foreign, 0u);
    EXPECT_GT(seat->forwarded, 0u);
    answered += seat->answered;
    handed_over += seat->handed_over;
  }
  EXPECT_GT(handed_over, 0u);
  if (GetParam() != Method::Dr) {
    EXPECT_GT(answered, 0u);
  }
}

// The rings themselves: everything arrives, once and in order, however full they are.
TEST(RelayRace, FramesArriveInTheOrderInWhichTheyWereSent) {
  constexpr std::uint32_t kFrames = 20'000;
  auto relay = std::move(*Relay::create(2));
  std::thread producer{[&] {
    for (std::uint32_t i = 0; i < kFrames;) {
      std::array<std::uint8_t, 64> frame{};
      std::memcpy(frame.data(), &i, sizeof i);
      if (relay->ring(0, 1).push(frame, i, RelayedFrame::Purpose::Decide, 1)) ++i;
      if (i % 7 == 0 && relay->ring(0, 1).publish()) relay->wake(1);
      if (i % 64 == 0) std::this_thread::yield();
    }
    relay->ring(0, 1).publish();
    relay->wake(1);
  }};
  auto& ring = relay->ring(0, 1);
  for (std::uint32_t next = 0; next < kFrames;) {
    relay->going_to_sleep(1);
    const auto count = ring.available();
    relay->awake(1);
    for (std::uint32_t i = 0; i < count; ++i, ++next) {
      std::uint32_t content = 0;
      std::memcpy(&content, ring.at(i).packet().data, sizeof content);
      ASSERT_EQ(content, next);
      ASSERT_EQ(ring.at(i).interface, next);
    }
    ring.pop(count);
    if (count == 0) std::this_thread::yield();
  }
  producer.join();
}

TEST(RelayRing, RefusesWhatHasNoRoomAndShowsNothingBeforeItIsPublished) {
  RelayRing ring;
  const Bytes frame(60, 1);
  for (std::uint32_t i = 0; i < RelayRing::kFrames; ++i)
    ASSERT_TRUE(ring.push(frame, 1, RelayedFrame::Purpose::Send, 0));
  EXPECT_FALSE(ring.push(frame, 1, RelayedFrame::Purpose::Send, 0));
  EXPECT_EQ(ring.available(), 0u);
  EXPECT_TRUE(ring.publish());
  EXPECT_FALSE(ring.publish());
  EXPECT_EQ(ring.available(), RelayRing::kFrames);
  ring.pop(1);
  EXPECT_TRUE(ring.push(frame, 1, RelayedFrame::Purpose::Send, 0));
  EXPECT_FALSE(ring.push(Bytes(4000, 1), 1, RelayedFrame::Purpose::Send, 0)) << "too long";
}

}  // namespace
}  // namespace lvsd::ipvs::engine

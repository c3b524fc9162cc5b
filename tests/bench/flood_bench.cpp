// A SYN flood from forged addresses against a virtual server under NAT, in simulated time: what becomes of connections
// that are there (100,000, of which a thousand packets a second are sent), and of 1,000 new clients a second whose
// handshake takes 50 ms. The argument is the rate of the flood in SYN a second; 4,369 is twice what half of a table of
// 262,144 holds for the 60 s of SYN_RECV. Run by `./dev bench flood`.
#include <deque>
#include <fstream>
#include <random>
#include <string>

#include <benchmark/benchmark.h>

#include "ipvs/engine/rewrite.hpp"
#include "tests/support/conversation.hpp"

namespace lvsd::ipvs::engine {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kTable = 1u << 18;
constexpr std::uint32_t kEstablished = 100'000;
constexpr auto kRoundTrip = 50ms;
constexpr std::size_t kBatch = 64;

struct Client {
  std::uint32_t address;
  std::uint16_t port;
};
struct Handshake {
  Client client;
  base::TimePoint answered;
};

std::size_t resident_kilobytes() {
  std::ifstream status{"/proc/self/status"};
  for (std::string word; status >> word;) {
    if (word != "VmRSS:") continue;
    std::size_t kilobytes = 0;
    status >> kilobytes;
    return kilobytes;
  }
  return 0;
}

class Attack {
 public:
  Attack() {
    director_.serve({test::server(1), test::server(2), test::server(3)});
    for (std::uint32_t n = 0; n < kEstablished; ++n) {
      const auto client = old_client(n);
      send(client, test::kSyn);
      send(client, test::kAck);
    }
    static_cast<void>(director_->take_flow_changes());
  }

  // As many half-open connections as there may be.
  void fill() {
    for (std::uint64_t before = 0; before != entries();) {
      before = entries();
      for (int i = 0; i < 100; ++i) flood();
      static_cast<void>(director_->take_flow_changes());
    }
    floods_ = 0;
    flood_seconds_ = 0;
  }

  void run(std::uint32_t rate, std::chrono::milliseconds duration) {
    double owed = 0;
    for (auto step = 0ms; step < duration; step += 1ms) {
      director_.now += 1ms;
      for (owed += rate / 1000.0; owed >= 1; owed -= kBatch) flood();
      if (sent_ % 10 == 0) director_->expire(director_.now, kTable / 100);
      old_clients();
      new_clients();
      static_cast<void>(director_->take_flow_changes());
    }
  }

  double established_percent() const { return 100.0 * kept_ / std::max(1u, sent_); }
  double new_percent() const { return 100.0 * finished_ / std::max(1u, begun_); }
  std::uint64_t entries() { return director_->connection_entries(); }
  double flood_seconds() const { return flood_seconds_; }
  std::uint64_t floods() const { return floods_; }

 private:
  static Client old_client(std::uint32_t n) {
    return {0x0a800000u + n / 50'000, static_cast<std::uint16_t>(n % 50'000 + 1024)};
  }

  bool send(Client client, std::uint8_t flags) {
    auto spec = test::from_client(flags, client.port);
    spec.source.address = base::IpAddress::v4(client.address);
    const auto verdict = director_.push(spec).verdict;
    return verdict.action == Action::Send && verdict.reason == DropReason::None;
  }

  // A batch of SYN, each from an address of its own.
  void flood() {
    static const auto syn = make_frame(test::from_client(test::kSyn));
    for (std::size_t i = 0; i < kBatch; ++i) {
      auto& bytes = frames_[i];
      bytes = syn;
      bytes.resize(syn.size() + 64);
      const auto frame = parse({bytes.data(), syn.size()});
      const auto address = 0x0b000000u + static_cast<std::uint32_t>(random_() % 0x10000000);
      rewrite_end(bytes.data(), frame, End::Source, WireAddress::v4(swap_address(address)),
                  static_cast<std::uint16_t>(random_()));
      packets_[i] = {bytes.data(), static_cast<std::uint32_t>(syn.size()), 0, 64, test::kFront};
    }
    timespec from{}, to{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
    director_->forward(packets_, verdicts_, director_.now);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
    flood_seconds_ +=
        static_cast<double>(to.tv_sec - from.tv_sec) + 1e-9 * static_cast<double>(to.tv_nsec - from.tv_nsec);
    floods_ += kBatch;
  }

  void old_clients() {
    ++sent_;
    kept_ += send(old_client(static_cast<std::uint32_t>(random_() % kEstablished)), test::kAck);
  }

  void new_clients() {
    const Client client{0x0a900000u + next_ / 50'000, static_cast<std::uint16_t>(next_ % 50'000 + 1024)};
    ++next_;
    send(client, test::kSyn);
    waiting_.push_back({client, director_.now + kRoundTrip});
    for (; !waiting_.empty() && waiting_.front().answered <= director_.now; waiting_.pop_front()) {
      ++begun_;
      finished_ += send(waiting_.front().client, test::kAck);
    }
  }

  test::Director director_{kTable};
  std::mt19937 random_{1};
  std::array<test::Bytes, kBatch> frames_;
  std::array<Packet, kBatch> packets_{};
  std::array<Verdict, kBatch> verdicts_{};
  std::deque<Handshake> waiting_;
  std::uint32_t sent_ = 0, kept_ = 0, next_ = 0, begun_ = 0, finished_ = 0;
  std::uint64_t floods_ = 0;
  double flood_seconds_ = 0;
};

void flood(benchmark::State& state) {
  const auto rate = static_cast<std::uint32_t>(state.range(0));
  for (auto _ : state) {
    Attack attack;
    attack.fill();
    const auto before = resident_kilobytes();
    attack.run(rate, rate < 100'000 ? 90s : 5s);
    state.counters["established_%"] = attack.established_percent();
    state.counters["new_%"] = attack.new_percent();
    state.counters["entries"] = static_cast<double>(attack.entries());
    state.counters["grown_kB"] = static_cast<double>(resident_kilobytes() - before);
    state.counters["ns_per_SYN"] = 1e9 * attack.flood_seconds() / static_cast<double>(attack.floods());
  }
}
BENCHMARK(flood)->Arg(4'369)->Arg(100'000)->Arg(1'000'000)->Iterations(1)->Unit(benchmark::kSecond);

}  // namespace
}  // namespace lvsd::ipvs::engine

BENCHMARK_MAIN();

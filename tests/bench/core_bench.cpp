// Packets per second that one core of the engine forwards, all in memory: 64-byte frames, batches of 64, flows in
// random order. `flows` connections are alive; the table has room for twice as many (the working set is about 90 bytes
// per flow, and the frames of a ring of 4096). Run by `./dev bench`.
#include <algorithm>
#include <random>

#include <benchmark/benchmark.h>
#include <sys/mman.h>

#include "ipvs/engine/frame.hpp"
#include "tests/support/director.hpp"

namespace lvsd::ipvs::engine {
namespace {

constexpr std::size_t kBatch = 64;
constexpr std::size_t kRing = 4096;       // frames; like the chunks of an AF_XDP socket
constexpr std::size_t kChunk = 2048;      // bytes from frame to frame
constexpr std::size_t kFrame = 60;        // 64 bytes on the wire, of which 4 are the frame check sequence
constexpr std::size_t kOrder = 1u << 22;  // flows drawn in advance

class Mapping {
 public:
  explicit Mapping(std::size_t size) : size_{size} {
    memory_ = static_cast<std::byte*>(mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    madvise(memory_, size, MADV_HUGEPAGE);
  }
  ~Mapping() { munmap(memory_, size_); }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  std::span<std::byte> span() { return {memory_, size_}; }
  std::uint8_t* at(std::size_t offset) { return reinterpret_cast<std::uint8_t*>(memory_ + offset); }

 private:
  std::byte* memory_;
  std::size_t size_;
};

// The clients' addresses and ports of flow n; what a server answers to, turned round.
struct Flow {
  std::uint32_t client;
  std::uint16_t port;
};
Flow flow(std::uint32_t n) { return {0x0b000000u + n / 50000, static_cast<std::uint16_t>(10000 + n % 50000)}; }

enum class Path { NatIn, NatOut, Dr };

class Rig {
 public:
  Rig(std::uint32_t flows, Path path)
      : flows_{flows},
        path_{path},
        table_{Core::memory_size(2 * flows)},
        ring_{kRing * kChunk},
        core_{table_.span(), 2 * flows, 42} {
    test::lay_network(core_.next_hops(), 8);
    std::vector<Command> commands{AddService{test::service("web", test::web_listeners(), SchedulerKind::Rr)}};
    for (int n = 1; n <= 8; ++n)
      commands.push_back(AddServer{"web", test::server(n, path == Path::Dr ? Method::Dr : Method::Nat)});
    static_cast<void>(core_.apply(commands, now_));
    make_templates();
    open_flows();
    std::mt19937 random{1};
    order_.resize(kOrder);
    for (auto& n : order_) n = static_cast<std::uint32_t>(random() % flows);
  }

  // Writes the next batch's frames, as a network card would; then they are cold again for all but small rings.
  void fill() {
    for (std::size_t i = 0; i < kBatch; ++i) {
      const auto n = order_[next_++ % kOrder];
      put(i, n, path_ == Path::NatOut);
    }
    slot_ = (slot_ + kBatch) % kRing;
  }
  void forward() {
    core_.forward(packets_, verdicts_, now_);
    for (const auto& v : verdicts_) {
      if (v.action != Action::Send || v.reason != DropReason::None) std::abort();
    }
  }

 private:
  void make_templates() {
    test::FrameSpec in;
    in.flags = test::kAck;
    in.padding = 6;
    in_ = make_frame(in);
    test::FrameSpec out;
    out.to = test::kBackMac;
    out.source = test::endpoint("10.0.0.11:8080");
    out.destination = in.source;
    out.flags = test::kAck;
    out.padding = 6;
    out_ = make_frame(out);
  }

  // A whole frame with right checksums, patched from a template.
  void put(std::size_t i, std::uint32_t n, bool reply) {
    auto* frame = ring_.at((slot_ + i) % kRing * kChunk + 256);
    std::memcpy(frame, reply ? out_.data() : in_.data(), kFrame);
    const auto f = flow(n);
    auto* address = frame + (reply ? 30 : 26);
    auto* port = frame + (reply ? 36 : 34);
    std::uint32_t sum = 0;
    const auto change = [&sum](std::uint8_t* at, std::uint16_t value) {
      sum += static_cast<std::uint16_t>(~load16_host(at)) + std::uint32_t{value};
      store16_host(at, value);
    };
    change(address, static_cast<std::uint16_t>(f.client >> 16));
    change(address + 2, static_cast<std::uint16_t>(f.client));
    // round robin: flow n went to server n % 8
    if (reply) change(frame + 28, static_cast<std::uint16_t>(11 + n % 8));
    patch(frame + 24, sum);
    change(port, f.port);
    patch(frame + 50, sum);
    packets_[i] = {frame, kFrame, 256, kChunk - 256 - kFrame, reply ? test::kBack : test::kFront};
  }
  static void patch(std::uint8_t* check, std::uint32_t change) {
    store16_host(check, base::checksum_finish(std::uint64_t{change} + static_cast<std::uint16_t>(~load16_host(check))));
  }

  void open_flows() {
    in_[47] = test::kSyn;
    test::FrameSpec syn;
    syn.padding = 6;
    in_ = make_frame(syn);
    for (std::uint32_t n = 0; n < flows_; n += kBatch) {
      for (std::uint32_t i = 0; i < kBatch; ++i) put(i, std::min(n + i, flows_ - 1), false);
      core_.forward(packets_, verdicts_, now_);
    }
    if (core_.connection_entries() != flows_) std::abort();
    make_templates();
    for (std::uint32_t n = 0; n < flows_; n += kBatch) {  // established
      for (std::uint32_t i = 0; i < kBatch; ++i) put(i, std::min(n + i, flows_ - 1), false);
      core_.forward(packets_, verdicts_, now_);
    }
    static_cast<void>(core_.take_flow_changes());
  }

  std::uint32_t flows_;
  Path path_;
  base::TimePoint now_{std::chrono::hours{1}};
  Mapping table_;
  Mapping ring_;
  Core core_;
  std::vector<std::uint32_t> order_;
  test::Bytes in_, out_;
  std::array<Packet, kBatch> packets_{};
  std::array<Verdict, kBatch> verdicts_{};
  std::size_t next_ = 0;
  std::size_t slot_ = 0;
};

// Only forward() is timed: the frames come from a card in real life.
void forward(benchmark::State& state, Path path) {
  Rig rig{static_cast<std::uint32_t>(state.range(0)), path};
  for (auto _ : state) {
    rig.fill();
    const auto start = std::chrono::steady_clock::now();
    rig.forward();
    state.SetIterationTime(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  const auto packets = static_cast<double>(state.iterations()) * kBatch;
  state.counters["packets"] = benchmark::Counter(packets, benchmark::Counter::kIsRate);
  state.counters["ns_per_packet"] =
      benchmark::Counter(packets * 1e-9, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

BENCHMARK_CAPTURE(forward, nat_in, Path::NatIn)->UseManualTime()->Arg(1000)->Arg(100000)->Arg(1000000);
BENCHMARK_CAPTURE(forward, nat_out, Path::NatOut)->UseManualTime()->Arg(1000)->Arg(100000)->Arg(1000000);
BENCHMARK_CAPTURE(forward, dr, Path::Dr)->UseManualTime()->Arg(1000)->Arg(100000)->Arg(1000000);

}  // namespace
}  // namespace lvsd::ipvs::engine

BENCHMARK_MAIN();

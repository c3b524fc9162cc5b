// Packets per second that one core of the engine forwards, all in memory: 64-byte frames, batches of 64, flows in
// random order. `flows` connections are alive; the table has room for twice as many (but at most ten million) (the
// working set is about 90 bytes per flow, and the frames of a ring of 4096). Run by `./dev bench`.
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

enum class Path : std::uint8_t { NatIn, NatOut, Dr };

class Rig {
 public:
  Rig(std::uint32_t flows, Method method)
      : flows_{flows},
        method_{method},
        table_{Core::memory_size(capacity(flows))},
        ring_{kRing * kChunk},
        core_{table_.span(), capacity(flows), 42} {
    test::lay_network(core_.next_hops(), 8);
    std::vector<Command> commands{AddService{test::service("web", test::web_listeners(), SchedulerKind::Rr)}};
    for (int n = 1; n <= 8; ++n) commands.push_back(AddServer{"web", test::server(n, method)});
    static_cast<void>(core_.apply(commands, now_));
    make_templates();
    open_flows();
    std::mt19937 random{1};
    order_.resize(kOrder);
    for (auto& n : order_) n = static_cast<std::uint32_t>(random() % flows);
  }

  // Writes a ring of frames, as a network card would.
  void fill(bool replies) {
    for (std::size_t i = 0; i < kRing; ++i) put(i, order_[next_++ % kOrder], replies);
  }
  void forward() {
    for (std::size_t i = 0; i < kRing; i += kBatch) {
      core_.forward(std::span{packets_}.subspan(i, kBatch), std::span{verdicts_}.subspan(i, kBatch), now_);
    }
  }
  bool all_sent() const {
    return std::all_of(verdicts_.begin(), verdicts_.end(),
                       [](const Verdict& v) { return v.action == Action::Send && v.reason == DropReason::None; });
  }

  bool is(std::uint32_t flows, Method method) const { return flows_ == flows && method_ == method; }

 private:
  static std::uint32_t capacity(std::uint32_t flows) { return std::max(flows, std::min(2 * flows, 10'000'000u)); }

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
    auto* frame = ring_.at(i * kChunk + 256);
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

  // SYN, then ACK of every flow, in order: flow n goes to server n % 8.
  void open_flows() {
    test::FrameSpec syn;
    syn.padding = 6;
    in_ = make_frame(syn);
    pass_all_flows();
    if (core_.connection_entries() != flows_) std::abort();
    make_templates();
    pass_all_flows();
    static_cast<void>(core_.take_flow_changes());
  }
  void pass_all_flows() {
    for (std::uint32_t n = 0; n < flows_; n += kBatch) {
      const auto count = std::min<std::uint32_t>(kBatch, flows_ - n);
      for (std::uint32_t i = 0; i < count; ++i) put(i, n + i, false);
      core_.forward(std::span{packets_}.first(count), std::span{verdicts_}.first(count), now_);
      static_cast<void>(core_.take_flow_changes());
    }
  }

  std::uint32_t flows_;
  Method method_;
  base::TimePoint now_{std::chrono::hours{1}};
  Mapping table_;
  Mapping ring_;
  Core core_;
  std::vector<std::uint32_t> order_;
  test::Bytes in_, out_;
  std::vector<Packet> packets_ = std::vector<Packet>(kRing);
  std::vector<Verdict> verdicts_ = std::vector<Verdict>(kRing);
  std::size_t next_ = 0;
};

// The last one is kept: the library calls a benchmark several times, and to fill a large table takes longer than to
// measure.
Rig& rig_for(std::uint32_t flows, Method method) {
  static std::unique_ptr<Rig> rig;
  if (!rig || !rig->is(flows, method)) {
    rig.reset();
    rig = std::make_unique<Rig>(flows, method);
  }
  return *rig;
}

double cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

// Only forward() is timed, in CPU time of this thread: frames come from a card in real life, and other processes do not
// count. One iteration is a ring of 4096 packets.
void forward(benchmark::State& state, Path path) {
  auto& rig = rig_for(static_cast<std::uint32_t>(state.range(0)), path == Path::Dr ? Method::Dr : Method::Nat);
  for (auto _ : state) {
    rig.fill(path == Path::NatOut);
    const auto start = cpu_seconds();
    rig.forward();
    state.SetIterationTime(cpu_seconds() - start);
    if (!rig.all_sent()) state.SkipWithError("a packet was not sent");
  }
  state.counters["packets"] =
      benchmark::Counter(static_cast<double>(state.iterations()) * kRing, benchmark::Counter::kIsRate);
}

void arguments(benchmark::internal::Benchmark* b) {
  b->UseManualTime()->Unit(benchmark::kMicrosecond);
  for (const int flows : {1000, 10'000, 100'000, 1'000'000, 10'000'000}) b->Arg(flows);
}
BENCHMARK_CAPTURE(forward, nat_in, Path::NatIn)->Apply(arguments);
BENCHMARK_CAPTURE(forward, nat_out, Path::NatOut)->Apply(arguments);
BENCHMARK_CAPTURE(forward, dr, Path::Dr)->Apply(arguments);

}  // namespace
}  // namespace lvsd::ipvs::engine

BENCHMARK_MAIN();

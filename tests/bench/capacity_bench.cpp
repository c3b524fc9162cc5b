// A full table: capacity_bench CONNECTIONS 4|6 fills it through the whole data path with UDP clients, lets all of them
// end, and prints one line of JSON: resident bytes for each connection, seconds to fill and to expire, and the longest
// call of expire() with the worker's step. Run by `./dev bench core`.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <vector>

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ipvs/engine/frame.hpp"
#include "tests/support/director.hpp"

namespace {

using namespace lvsd;
using namespace lvsd::ipvs::engine;

constexpr std::size_t kBatch = 64;
constexpr std::size_t kStep = 512;  // as the worker: so many entries between two rounds of packets

std::size_t resident() {
  std::ifstream file{"/proc/self/statm"};
  std::size_t all = 0, pages = 0;
  file >> all >> pages;
  return pages * static_cast<std::size_t>(getpagesize());
}

double cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

class Filling {
 public:
  Filling(std::uint32_t connections, bool v6)
      : connections_{connections},
        v6_{v6},
        size_{Core::memory_size(connections)},
        memory_{mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)},
        core_{{static_cast<std::byte*>(memory_), size_}, connections, 42} {
    test::lay_network(core_.next_hops(), 8);
    auto listeners = test::web_listeners();
    listeners.push_back({ipvs::Protocol::Udp, test::endpoint("[2001:db8:1::1]:53")});
    std::vector<ipvs::Command> commands{ipvs::AddService{test::service("dns", listeners)}};
    for (int n = 1; n <= 8; ++n) {
      auto server = test::server(n, ipvs::Method::Nat);
      server.address.address = test::server_address(n, v6);
      commands.push_back(ipvs::AddServer{"dns", server});
    }
    static_cast<void>(core_.apply(commands, now_));
    test::FrameSpec spec;
    spec.protocol = 17;
    spec.destination = test::endpoint(v6 ? "[2001:db8:1::1]:53" : "198.51.100.1:53");
    if (v6) spec.source = test::endpoint("[2001:db8:c::10]:1");
    spec.check = test::Check::None;
    frame_ = make_frame(spec);
  }
  ~Filling() { munmap(memory_, size_); }
  Filling(const Filling&) = delete;
  Filling& operator=(const Filling&) = delete;

  void fill() {
    for (std::uint32_t n = 0; n < connections_; n += kBatch) {
      const auto count = std::min<std::size_t>(kBatch, connections_ - n);
      for (std::uint32_t i = 0; i < count; ++i) put(i, n + i);
      core_.forward({packets_.data(), count}, {verdicts_.data(), count}, now_);
      static_cast<void>(core_.take_flow_changes());
    }
    if (core_.connection_entries() != connections_) std::abort();
  }

  // The longest call, in seconds, but one in a thousand: interrupts and stolen time are counted with those they hit.
  double expire() {
    now_ += std::chrono::seconds{301};
    std::vector<double> calls;
    for (std::size_t seen = 0; seen <= connections_; seen += kStep) {
      const auto start = cpu_seconds();
      core_.expire(now_, kStep);
      static_cast<void>(core_.take_flow_changes());
      calls.push_back(cpu_seconds() - start);
    }
    if (core_.connection_entries() != 0) std::abort();
    const auto longest = calls.begin() + static_cast<std::ptrdiff_t>((calls.size() - 1) * 999 / 1000);
    std::ranges::nth_element(calls, longest);
    return *longest;
  }

 private:
  void put(std::size_t i, std::uint32_t n) {
    auto* frame = &room_[i * 256 + 64];
    std::memcpy(frame, frame_.data(), frame_.size());
    const std::size_t address = v6_ ? 14 + 8 + 12 : 14 + 12, port = v6_ ? 54 : 34;
    store32_host(frame + address, 0x0b000000u + n / 50000);
    store16_host(frame + port, static_cast<std::uint16_t>(10000 + n % 50000));
    if (!v6_) {
      store16_host(frame + 24, 0);
      store16_host(frame + 24, base::checksum_finish(base::checksum_add(0, {frame + 14, 20})));
    }
    packets_[i] = {frame, static_cast<std::uint32_t>(frame_.size()), 64, 64, test::kFront};
  }

  std::uint32_t connections_;
  bool v6_;
  std::size_t size_;
  void* memory_;
  base::TimePoint now_{std::chrono::hours{1}};
  Core core_;
  test::Bytes frame_;
  std::array<std::uint8_t, kBatch * 256> room_{};
  std::array<Packet, kBatch> packets_{};
  std::array<Verdict, kBatch> verdicts_{};
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const auto connections = static_cast<std::uint32_t>(std::strtoul(argv[1], nullptr, 10));
  Filling filling{connections, argv[2][0] == '6'};
  const auto before = resident();
  auto start = cpu_seconds();
  filling.fill();
  const auto filled = cpu_seconds() - start;
  const auto bytes = resident() - before;
  start = cpu_seconds();
  const auto longest = filling.expire();
  fmt::print(R"({{"connections":{},"family":{},"bytes":{:.1f},"fill_s":{:.2f},"expire_s":{:.2f},"longest_ms":{:.2f}}})"
             "\n",
             connections, argv[2][0] == '6' ? 6 : 4, static_cast<double>(bytes) / connections, filled,
             cpu_seconds() - start, longest * 1e3);
  return 0;
}

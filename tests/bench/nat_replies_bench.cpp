// What the two ways to recognise a NAT reply cost (docs/decisions/0003-nat-replies.md): an entry in the XDP program's
// map per connection, or a packet handed back to the kernel through a TUN device per miss. Needs root and /dev/net/tun.
#include <array>
#include <cstring>
#include <vector>

#include <benchmark/benchmark.h>
#include <bpf/bpf.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.hpp"
#include "ipvs/engine/redirect_maps.hpp"
#include "ipvs/engine/xdp_program.hpp"

namespace lvsd::ipvs::engine {
namespace {

constexpr std::uint32_t kFlows = 1u << 18;

FlowChange change(FlowChange::Kind kind, std::uint32_t i) {
  const auto client = base::IpAddress::v4(0x0b000000 + (i >> 4));
  const auto port = static_cast<std::uint16_t>(32768 + (i & 15));
  return {kind, {Protocol::Tcp, {base::IpAddress::v4(0xc0a80102), 8080}, {client, port}}};
}

std::vector<FlowChange> changes(FlowChange::Kind kind, std::uint32_t first, std::size_t count) {
  std::vector<FlowChange> all;
  for (std::uint32_t i = 0; i < count; ++i) all.push_back(change(kind, (first + i) % kFlows));
  return all;
}

// Adds and removes of new connections, `batch` at a time, in a map that holds half of its entries. Time per connection
// begun and ended.
void flow_begins_and_ends(benchmark::State& state) {
  auto maps = RedirectMaps::create(kFlows);
  if (!maps) return state.SkipWithError(maps.error().text.c_str());
  const auto batch = static_cast<std::size_t>(state.range(0));
  maps->change_flows(changes(FlowChange::Kind::Add, 0, kFlows / 2));
  const auto add = changes(FlowChange::Kind::Add, kFlows / 2, batch);
  const auto remove = changes(FlowChange::Kind::Remove, kFlows / 2, batch);
  for (auto _ : state) {
    maps->change_flows(add);
    maps->change_flows(remove);
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(batch) * state.iterations());
}
BENCHMARK(flow_begins_and_ends)->Arg(1)->Arg(8)->Arg(64);

// The XDP program on one frame that passes: two lookups that miss.
void program_on_a_passing_frame(benchmark::State& state) {
  auto maps = RedirectMaps::create(kFlows);
  if (!maps) return state.SkipWithError(maps.error().text.c_str());
  const base::MacAddress own{{2, 0, 0, 0, 0, 1}};
  const auto fast = FastMaps::open(0, {});
  auto program = XdpProgram::load(*maps, *fast, own);
  if (!program) return state.SkipWithError(program.error().text.c_str());
  maps->change_flows(changes(FlowChange::Kind::Add, 0, kFlows / 2));
  std::array<std::uint8_t, 64> frame{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 9, 8, 0, 0x45, 0, 0, 40};
  frame[23] = 6;
  bpf_test_run_opts options{};
  options.sz = sizeof options;
  options.data_in = frame.data();
  options.data_size_in = frame.size();
  options.repeat = 100'000;
  for (auto _ : state) {
    bpf_prog_test_run_opts(program->fd(), &options);
    state.SetIterationTime(options.duration * 1e-9);
  }
}
BENCHMARK(program_on_a_passing_frame)->UseManualTime()->Iterations(20);

base::UniqueFd open_tun() {
  base::UniqueFd tun{open("/dev/net/tun", O_RDWR | O_CLOEXEC)};
  ifreq request{};
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  std::strcpy(request.ifr_name, "lvsdbench%d");
  if (!tun || ioctl(tun.get(), TUNSETIFF, &request) != 0) return {};
  const base::UniqueFd socket{::socket(AF_INET, SOCK_DGRAM, 0)};
  request.ifr_flags = IFF_UP;
  ioctl(socket.get(), SIOCSIFFLAGS, &request);
  return tun;
}

// One packet written into the kernel; it is discarded there, so routing and delivery are not in the figure.
void packet_handed_back(benchmark::State& state) {
  const auto tun = open_tun();
  if (!tun) return state.SkipWithError("no TUN device");
  std::array<std::uint8_t, 64> packet{0x45, 0, 0, 64, 0, 0, 0, 0, 64, 17};
  for (auto _ : state) {
    if (write(tun.get(), packet.data(), packet.size()) < 0) return state.SkipWithError("write");
  }
}
BENCHMARK(packet_handed_back);

}  // namespace
}  // namespace lvsd::ipvs::engine

BENCHMARK_MAIN();

// Nanoseconds that each scheduler takes for a new connection, at 4 and at 100 servers: clients and virtual addresses as
// they come, the count of the server kept, and every connection ended again after 10,000 others. Run by `./dev bench`.
#include <benchmark/benchmark.h>

#include "ipvs/names.hpp"
#include "tests/support/scheduling.hpp"

namespace lvsd::ipvs::engine {
namespace {

constexpr std::size_t kAlive = 10'000;

void schedule(benchmark::State& state, SchedulerKind kind) {
  std::vector<std::uint32_t> weights;
  for (std::uint32_t i = 0; i < static_cast<std::uint32_t>(state.range(0)); ++i) weights.push_back(500 + i % 7 * 100);
  auto servers = test::weighing(weights);
  const auto scheduler = make_scheduler(kind, {{}, 1});
  scheduler->servers_changed(servers);
  std::vector<std::size_t> alive(kAlive, servers.size());
  Request request{{{}, 40000}, {}, base::TimePoint{std::chrono::hours{1}}};
  std::uint32_t n = 0;
  for (auto _ : state) {
    ++n;
    request.client.address = base::IpAddress::v4(n * 2654435789u);
    request.virtual_address = base::IpAddress::v4(0xc6336400u + n % 200);
    const auto pick = scheduler->pick(servers, request);
    auto& place = alive[n % kAlive];
    if (place < servers.size()) --servers[place].active;
    place = pick.value_or(servers.size());
    if (pick) ++servers[*pick].active;
  }
}

const bool kRegistered = [] {
  for (const auto& [kind, word] : kSchedulerNames) {
    benchmark::RegisterBenchmark(std::string{word}.c_str(), [kind = kind](auto& state) { schedule(state, kind); })
        ->Arg(4)
        ->Arg(100);
  }
  return true;
}();

}  // namespace
}  // namespace lvsd::ipvs::engine

BENCHMARK_MAIN();

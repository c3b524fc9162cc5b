// How long a large file takes: services × 4 servers, checked, with two nodes. Printed, not asserted.
#include <string>

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "daemon/config/load.hpp"

namespace lvsd::daemon {
namespace {

std::string large_file(std::int64_t services) {
  std::string text =
      "[node lvs1]\naddress = 192.0.2.2\n[node lvs2]\naddress = 192.0.2.3\n"
      "[engine]\ninterface = eth0\n[check http_ok]\ntype = http\npath = /healthz\n";
  for (std::int64_t i = 0; i < services; ++i) {
    const auto high = i / 250, low = i % 250 + 1;
    text +=
        fmt::format("[virtual_server s{}]\nlisten = tcp 10.1.{}.{}:80\nscheduler = wlc\nmethod = dr\ncheck = http_ok\n",
                    i, high, low);
    for (int server = 0; server < 4; ++server) {
      text += fmt::format("real_server = rs{} 10.{}.{}.{} weight=10\n", server, server + 2, high, low);
    }
  }
  return text;
}

Sources large_sources(std::int64_t services, bool overrides) {
  auto text = large_file(services);
  if (overrides) text += "[defaults virtual_server]\nscheduler@lvs2 = wrr\n";
  return {"lvs1", true, {{"lvsd.conf", std::move(text)}}};
}

// Second argument 1: key@node is used, so the file is validated once per node.
void parse_large(benchmark::State& state) {
  const auto sources = large_sources(state.range(0), state.range(1) != 0);
  for (auto _ : state) {
    const auto outcome = parse(sources);
    if (!outcome.config) {
      state.SkipWithError(render(outcome.diagnostics, sources).c_str());
      break;
    }
    benchmark::DoNotOptimize(outcome.config->ipvs.virtual_servers.data());
  }
  state.counters["bytes"] = static_cast<double>(sources.files[0].text.size());
}
BENCHMARK(parse_large)
    ->ArgNames({"services", "overrides"})
    ->Args({100, 0})
    ->Args({1000, 0})
    ->Args({10000, 0})
    ->Args({10000, 1})
    ->Unit(benchmark::kMillisecond);

void compare_large(benchmark::State& state) {
  const auto a = parse(large_sources(state.range(0), false));
  const auto b = parse(large_sources(state.range(0), true));
  for (auto _ : state) benchmark::DoNotOptimize(changes(*a.config, *b.config).data());
}
BENCHMARK(compare_large)->ArgNames({"services"})->Arg(10000)->Unit(benchmark::kMillisecond);

void pack_large(benchmark::State& state) {
  const auto sources = large_sources(state.range(0), false);
  for (auto _ : state) benchmark::DoNotOptimize(unpack(pack(sources, Secrets::Included)));
}
BENCHMARK(pack_large)->ArgNames({"services"})->Arg(10000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace lvsd::daemon

BENCHMARK_MAIN();

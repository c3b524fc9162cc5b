// vrrp_sim: the production state machines of a few directors on a simulated LAN and clock, under faults that a seed
// chooses, against the invariants of judge.hpp.
//
//   vrrp_sim [--runs N] [--failovers N] [--seed S] [--faults N] [--jobs N] [--trace] [--seeds FILE]
//
// Run k has the seed S + k. --failovers: goes on until so many have happened. --seeds: one seed a line, each is run. A
// breach prints its seed, and ends the program with 1; --runs 1 --seed THAT --trace tells its story.
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <mutex>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "tests/sim/world.hpp"

namespace {

using namespace lvsd;

struct Options {
  std::uint64_t runs = 1000;
  std::uint64_t failovers = 0;  // 0: `runs` counts
  std::uint64_t seed = 1;
  std::uint64_t faults = 200;  // of one run
  unsigned jobs = 0;           // 0: one per processor
  bool trace = false;
  std::vector<std::uint64_t> seeds;
};

struct Totals {
  std::atomic<std::uint64_t> next{0};
  std::atomic<std::uint64_t> runs{0};
  std::atomic<std::uint64_t> failovers{0};
  std::atomic<std::uint64_t> faults{0};
  std::atomic<std::uint64_t> happenings{0};
  std::atomic<std::uint64_t> simulated_seconds{0};
  std::atomic<std::uint64_t> breaches{0};
  std::mutex printing;
};

std::uint64_t number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) {
    fmt::print(stderr, "vrrp_sim: not a number: {}\n", text);
    std::exit(2);
  }
  return value;
}

std::vector<std::uint64_t> read_seeds(const std::string& file) {
  std::vector<std::uint64_t> seeds;
  std::ifstream in{file};
  if (!in) {
    fmt::print(stderr, "vrrp_sim: cannot read {}\n", file);
    std::exit(2);
  }
  for (std::string line; std::getline(in, line);) {
    std::istringstream words{line};
    if (std::string word; words >> word && word.front() != '#') seeds.push_back(number(word));
  }
  return seeds;
}

Options read_options(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--trace") {
      options.trace = true;
      continue;
    }
    const std::string value = i + 1 < argc ? argv[++i] : "";
    if (name == "--runs")
      options.runs = number(value);
    else if (name == "--failovers")
      options.failovers = number(value);
    else if (name == "--seed")
      options.seed = number(value);
    else if (name == "--faults")
      options.faults = number(value);
    else if (name == "--jobs")
      options.jobs = static_cast<unsigned>(number(value));
    else if (name == "--seeds")
      options.seeds = read_seeds(value);
    else {
      fmt::print(stderr, "vrrp_sim: unknown option {}\n", name);
      std::exit(2);
    }
  }
  return options;
}

void tell(sim::Instant at, const std::string& words) {
  fmt::print("{:12.6f}  {}\n", static_cast<double>(at) / sim::kSecond, words);
}

void work(const Options& options, Totals& totals) {
  while (totals.breaches == 0) {
    const std::uint64_t index = totals.next++;
    const bool enough = !options.seeds.empty()  ? index >= options.seeds.size()
                        : options.failovers > 0 ? totals.failovers >= options.failovers
                                                : index >= options.runs;
    if (enough) return;
    const std::uint64_t seed = options.seeds.empty() ? options.seed + index : options.seeds[index];
    const auto outcome = sim::run(sim::Choice{seed}, options.faults, options.trace ? tell : nullptr);
    ++totals.runs;
    totals.failovers += outcome.failovers;
    totals.faults += outcome.faults;
    totals.happenings += outcome.happenings;
    totals.simulated_seconds += static_cast<std::uint64_t>(outcome.simulated / sim::kSecond);
    if (!outcome.breach) continue;
    ++totals.breaches;
    const std::scoped_lock lock{totals.printing};
    fmt::print("seed {}: at {:.6f} s: {}\n", seed, static_cast<double>(outcome.breach->at) / sim::kSecond,
               outcome.breach->what);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = read_options(argc, argv);
  Totals totals;
  const auto began = std::chrono::steady_clock::now();
  const unsigned jobs = options.trace  ? 1
                        : options.jobs ? options.jobs
                                       : std::max(1u, std::thread::hardware_concurrency());
  {
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < jobs; ++i) threads.emplace_back([&] { work(options, totals); });
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  fmt::print("seeds {} to {}: {} runs, {} faults, {} failovers, {} events, {:.1f} simulated years in {:.1f} s; {}\n",
             options.seed, options.seed + totals.runs - 1, totals.runs, totals.faults, totals.failovers,
             totals.happenings, static_cast<double>(totals.simulated_seconds) / (365.25 * 86400), took.count(),
             totals.breaches == 0 ? "no invariant broken" : "AN INVARIANT IS BROKEN");
  return totals.breaches == 0 ? 0 : 1;
}

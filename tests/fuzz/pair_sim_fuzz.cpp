// The simulator with a fuzzer's bytes for chance, as long as they last: no invariant breaks.
#include <cstdint>
#include <cstdlib>

#include "tests/sim/world.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::uint64_t kFaults = 8;
  const auto outcome = lvsd::sim::run(lvsd::sim::Choice{std::span{data, size}}, kFaults, nullptr);
  if (outcome.breach) std::abort();
  return 0;
}

#include "ipvs/engine/statistics.hpp"

namespace lvsd::ipvs::engine {
namespace {

// Two seconds' difference, halved and scaled by 2^10 (2^5 for bytes), enters an average with a quarter of its weight.
void approach(std::int64_t& average, std::uint64_t now, std::uint64_t before, int scale) {
  const auto rate = static_cast<std::int64_t>((now - before) << scale);
  average += (rate - average) >> 2;
}

std::uint64_t packets(std::int64_t average) { return static_cast<std::uint64_t>(average + 0x1FF) >> 10; }
std::uint64_t bytes(std::int64_t average) { return static_cast<std::uint64_t>(average + 0xF) >> 5; }

}  // namespace

void Estimator::step(const Counters& totals) noexcept {
  approach(average_.connections, totals.connections, last_.connections, 9);
  approach(average_.in_packets, totals.in_packets, last_.in_packets, 9);
  approach(average_.out_packets, totals.out_packets, last_.out_packets, 9);
  approach(average_.in_bytes, totals.in_bytes, last_.in_bytes, 4);
  approach(average_.out_bytes, totals.out_bytes, last_.out_bytes, 4);
  last_ = totals;
}

Statistics Estimator::with_rates(const Counters& totals) const {
  return {totals.connections,
          totals.in_packets,
          totals.out_packets,
          totals.in_bytes,
          totals.out_bytes,
          packets(average_.connections),
          packets(average_.in_packets),
          packets(average_.out_packets),
          bytes(average_.in_bytes),
          bytes(average_.out_bytes)};
}

}  // namespace lvsd::ipvs::engine

// Rates as the kernel's estimator makes them, so that `ipvsadm --rate` reads the same here and there (ip_vs_est.c).
#pragma once

#include "ipvs/engine/table_memory.hpp"
#include "ipvs/messages.hpp"

namespace lvsd::ipvs::engine {

class Estimator {
 public:
  // What was counted before is not a rate.
  void start(const Counters& totals) { last_ = totals; }
  // Every two seconds, with the totals so far.
  void step(const Counters& totals) noexcept;
  Statistics with_rates(const Counters& totals) const;

 private:
  // Scaled: packets and connections per second by 2^10, bytes per second by 2^5.
  struct Averages {
    std::int64_t connections = 0;
    std::int64_t in_packets = 0;
    std::int64_t out_packets = 0;
    std::int64_t in_bytes = 0;
    std::int64_t out_bytes = 0;
  };
  Counters last_;
  Averages average_;
};

}  // namespace lvsd::ipvs::engine

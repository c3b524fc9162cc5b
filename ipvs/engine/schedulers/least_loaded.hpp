// The server that carries least for its weight: what wlc, sed, nq, lblc and lblcr have in common.
#pragma once

#include <span>

#include "ipvs/engine/scheduler.hpp"

namespace lvsd::ipvs::engine {

// `load` of a server is below 2^41, so that a product with a weight (below 2^16) keeps within 64 bits.
template <class Load>
bool less_loaded(const Candidate& a, const Candidate& b, Load load) {
  return load(a) * b.weight < load(b) * a.weight;  // load/weight without dividing
}

template <class Load>
Scheduler::Pick least_loaded(std::span<const Candidate> servers, Load load) {
  Scheduler::Pick best;
  for (std::size_t i = 0; i < servers.size(); ++i) {
    if (!servers[i].eligible()) continue;
    if (!best || less_loaded(servers[i], servers[*best], load)) best = i;
  }
  return best;
}

inline std::uint64_t overhead(const Candidate& server) { return server.overhead(); }
// What the server would carry with the new connection.
inline std::uint64_t expected_delay(const Candidate& server) { return std::uint64_t{server.active} + 1; }

}  // namespace lvsd::ipvs::engine

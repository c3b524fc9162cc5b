// The connections of one service whose handshake is not finished, in the order they came: the oldest gives way first
// when there is no room. A list through the connections themselves, so that it takes no memory and each step is one
// line or three. Used by the engine's state.
#pragma once

#include <cstdint>

#include "ipvs/engine/connection_table.hpp"

namespace lvsd::ipvs::engine {

struct HalfOpenQueue {
  std::uint32_t oldest = 0;  // connection number + 1
  std::uint32_t newest = 0;
  std::uint32_t count = 0;
};

inline void append(HalfOpenQueue& queue, ConnectionTable& table, Connection& c) noexcept {
  const auto reference = table.number(c) + 1;
  c.older = queue.newest;
  c.newer = 0;
  (queue.newest == 0 ? queue.oldest : table.at(queue.newest - 1).newer) = reference;
  queue.newest = reference;
  ++queue.count;
}

inline void remove(HalfOpenQueue& queue, ConnectionTable& table, Connection& c) noexcept {
  (c.older == 0 ? queue.oldest : table.at(c.older - 1).newer) = c.newer;
  (c.newer == 0 ? queue.newest : table.at(c.newer - 1).older) = c.older;
  c.older = c.newer = 0;
  --queue.count;
}

}  // namespace lvsd::ipvs::engine

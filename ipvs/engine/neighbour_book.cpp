#include "ipvs/engine/neighbour_book.hpp"

namespace lvsd::ipvs::engine {

bool NeighbourBook::learn(const Neighbour& neighbour) {
  const NextHopKey key{neighbour.interface, neighbour.address};
  if (neighbour.permanent) {
    usable_.erase(key);
    return false;
  }
  if (neighbour.usable) {
    usable_[key] = neighbour.mac;
    return false;
  }
  return usable_.erase(key) > 0 && neighbour.failed;
}

void NeighbourBook::forget(const NextHopKey& key) { usable_.erase(key); }

std::vector<NextHopKey> NeighbourBook::in_use(const UsedNextHops& used) const {
  std::vector<NextHopKey> keys;
  for (const auto& [key, mac] : usable_) {
    if (used.contains(key.interface, mac)) keys.push_back(key);
  }
  return keys;
}

}  // namespace lvsd::ipvs::engine

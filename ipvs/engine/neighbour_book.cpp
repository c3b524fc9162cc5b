#include "ipvs/engine/neighbour_book.hpp"

namespace lvsd::ipvs::engine {

NeighbourBook::Update NeighbourBook::learn(Neighbour neighbour, base::TimePoint now) {
  Entry& entry = entries_[{neighbour.interface, neighbour.address}];
  const bool moved = neighbour.failed && entry.usable;
  if (moved) neighbour.failed = false;
  entry.mac = neighbour.mac;
  entry.usable = neighbour.usable;
  entry.failed = neighbour.failed;
  if (neighbour.failed) entry.failed_at = now;
  return {neighbour, moved};
}

void NeighbourBook::forget(const NextHopKey& key) { entries_.erase(key); }

std::vector<NextHopKey> NeighbourBook::release_failures(base::TimePoint now) {
  std::vector<NextHopKey> released;
  for (auto& [key, entry] : entries_) {
    if (!entry.failed || now - entry.failed_at < kFailureHold) continue;
    entry.failed = false;
    released.push_back(key);
  }
  return released;
}

std::vector<NextHopKey> NeighbourBook::in_use(const UsedNextHops& used) const {
  std::vector<NextHopKey> keys;
  for (const auto& [key, entry] : entries_) {
    if (entry.usable && used.contains(key.interface, entry.mac)) keys.push_back(key);
  }
  return keys;
}

}  // namespace lvsd::ipvs::engine

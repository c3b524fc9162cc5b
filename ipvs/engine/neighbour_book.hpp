// What the worker remembers of neighbours beyond NextHops: which are usable, so that those in use can be probed, and
// those that fail be asked for again. Pure; used by the worker.
#pragma once

#include <map>
#include <vector>

#include "ipvs/engine/next_hops.hpp"
#include "ipvs/engine/used_next_hops.hpp"
#include "ipvs/engine/waiting_packets.hpp"

namespace lvsd::ipvs::engine {

class NeighbourBook {
 public:
  // True when the kernel is to be asked at once: the neighbour was usable and failed; its address may have moved.
  bool learn(const Neighbour& neighbour);
  void forget(const NextHopKey& key);
  void clear() { usable_.clear(); }

  // Usable neighbours that were sent to. A permanent one is not among them: Linux (since 5.16) takes a question about
  // it (NTF_USE) for the end of its permanence, and finds nobody.
  std::vector<NextHopKey> in_use(const UsedNextHops& used) const;

 private:
  std::map<NextHopKey, base::MacAddress> usable_;
};

}  // namespace lvsd::ipvs::engine

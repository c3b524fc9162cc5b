// What the worker remembers of neighbours beyond NextHops: which are usable, so that those in use can be probed, and which
// have failed lately, so that they are asked for again after a moment. Pure; used by the worker.
#pragma once

#include <map>
#include <vector>

#include "base/time.hpp"
#include "ipvs/engine/next_hops.hpp"
#include "ipvs/engine/used_next_hops.hpp"
#include "ipvs/engine/waiting_packets.hpp"

namespace lvsd::ipvs::engine {

class NeighbourBook {
 public:
  // A neighbour that failed is not asked for during this time: its packets are discarded as NextHopFailed at once.
  static constexpr base::Duration kFailureHold = std::chrono::seconds{1};

  // What to tell NextHops, and whether the kernel is to be asked at once: a neighbour that was usable and failed (its
  // address may have moved) is unresolved rather than failed.
  struct Update {
    Neighbour neighbour;
    bool ask = false;
  };
  Update learn(Neighbour neighbour, base::TimePoint now);
  void forget(const NextHopKey& key);
  void clear() { entries_.clear(); }

  // Failures whose hold is over: to be unresolved again.
  std::vector<NextHopKey> release_failures(base::TimePoint now);
  // Usable neighbours that were sent to.
  std::vector<NextHopKey> in_use(const UsedNextHops& used) const;

 private:
  struct Entry {
    base::MacAddress mac;
    bool usable = false;
    bool failed = false;
    base::TimePoint failed_at;
  };
  std::map<NextHopKey, Entry> entries_;
};

}  // namespace lvsd::ipvs::engine

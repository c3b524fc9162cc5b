// wlc: the server with the least connections per unit of weight takes the next one.
#include "ipvs/engine/scheduler.hpp"

namespace lvsd::ipvs::engine {
namespace {

// a/aw < b/bw without dividing; overhead below 2^41 and weight below 2^16 keep within 64 bits.
bool less_loaded(const Candidate& a, const Candidate& b) { return a.overhead() * b.weight < b.overhead() * a.weight; }

class WeightedLeastConnection final : public Scheduler {
 public:
  Pick pick(std::span<const Candidate> servers, const base::Endpoint&) noexcept override {
    Pick best;
    for (std::size_t i = 0; i < servers.size(); ++i) {
      if (!servers[i].eligible()) continue;
      if (!best || less_loaded(servers[i], servers[*best])) best = i;
    }
    return best;
  }
};

}  // namespace

std::unique_ptr<Scheduler> make_wlc() { return std::make_unique<WeightedLeastConnection>(); }

}  // namespace lvsd::ipvs::engine

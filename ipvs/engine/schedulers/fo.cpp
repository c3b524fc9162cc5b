// fo: the heaviest server takes everything; the next heaviest when it cannot.
#include "ipvs/engine/scheduler.hpp"

namespace lvsd::ipvs::engine {
namespace {

class Failover final : public Scheduler {
 public:
  std::unique_ptr<Scheduler> clone() const override { return std::make_unique<Failover>(*this); }
  Pick pick(std::span<const Candidate> servers, const Request&) noexcept override {
    Pick best;
    for (std::size_t i = 0; i < servers.size(); ++i) {
      if (!servers[i].eligible()) continue;
      if (!best || servers[i].weight > servers[*best].weight) best = i;
    }
    return best;
  }
};

}  // namespace

std::unique_ptr<Scheduler> make_fo(const SchedulerOptions&) { return std::make_unique<Failover>(); }

}  // namespace lvsd::ipvs::engine

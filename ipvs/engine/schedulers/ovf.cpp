// ovf: the heaviest server until it has more active connections than it weighs, then the next heaviest. When all have,
// nobody: the sum of the weights is the limit of the service.
#include "ipvs/engine/scheduler.hpp"

namespace lvsd::ipvs::engine {
namespace {

class Overflow final : public Scheduler {
 public:
  std::unique_ptr<Scheduler> clone() const override { return std::make_unique<Overflow>(*this); }
  Pick pick(std::span<const Candidate> servers, const Request&) noexcept override {
    Pick best;
    for (std::size_t i = 0; i < servers.size(); ++i) {
      if (!servers[i].eligible() || servers[i].active > servers[i].weight) continue;
      if (!best || servers[i].weight > servers[*best].weight) best = i;
    }
    return best;
  }
};

}  // namespace

std::unique_ptr<Scheduler> make_ovf(const SchedulerOptions&) { return std::make_unique<Overflow>(); }

}  // namespace lvsd::ipvs::engine

// wlc: the server with the least connections per unit of weight takes the next one.
#include "ipvs/engine/scheduler.hpp"
#include "ipvs/engine/schedulers/least_loaded.hpp"

namespace lvsd::ipvs::engine {
namespace {

class WeightedLeastConnection final : public Scheduler {
 public:
  std::unique_ptr<Scheduler> clone() const override { return std::make_unique<WeightedLeastConnection>(*this); }
  Pick pick(std::span<const Candidate> servers, const Request&) noexcept override {
    return least_loaded(servers, overhead);
  }
};

}  // namespace

std::unique_ptr<Scheduler> make_wlc(const SchedulerOptions&) { return std::make_unique<WeightedLeastConnection>(); }

}  // namespace lvsd::ipvs::engine

// sed: the server that would have the least active connections per unit of weight with the new one counted.
#include "ipvs/engine/scheduler.hpp"
#include "ipvs/engine/schedulers/least_loaded.hpp"

namespace lvsd::ipvs::engine {
namespace {

class ShortestExpectedDelay final : public Scheduler {
 public:
  std::unique_ptr<Scheduler> clone() const override { return std::make_unique<ShortestExpectedDelay>(*this); }
  Pick pick(std::span<const Candidate> servers, const Request&) noexcept override {
    return least_loaded(servers, expected_delay);
  }
};

}  // namespace

std::unique_ptr<Scheduler> make_sed(const SchedulerOptions&) { return std::make_unique<ShortestExpectedDelay>(); }

}  // namespace lvsd::ipvs::engine

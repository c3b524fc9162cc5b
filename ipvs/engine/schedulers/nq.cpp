// nq: the first server without an active connection; when all have some, as sed.
#include "ipvs/engine/scheduler.hpp"
#include "ipvs/engine/schedulers/least_loaded.hpp"

namespace lvsd::ipvs::engine {
namespace {

class NeverQueue final : public Scheduler {
 public:
  std::unique_ptr<Scheduler> clone() const override { return std::make_unique<NeverQueue>(*this); }
  Pick pick(std::span<const Candidate> servers, const Request&) noexcept override {
    for (std::size_t i = 0; i < servers.size(); ++i) {
      if (servers[i].eligible() && servers[i].active == 0) return i;
    }
    return least_loaded(servers, expected_delay);
  }
};

}  // namespace

std::unique_ptr<Scheduler> make_nq(const SchedulerOptions&) { return std::make_unique<NeverQueue>(); }

}  // namespace lvsd::ipvs::engine

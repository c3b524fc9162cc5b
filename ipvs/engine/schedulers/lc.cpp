// lc: the server with the least connections takes the next one; weights only say who is eligible.
#include "ipvs/engine/scheduler.hpp"

namespace lvsd::ipvs::engine {
namespace {

class LeastConnection final : public Scheduler {
 public:
  std::unique_ptr<Scheduler> clone() const override { return std::make_unique<LeastConnection>(*this); }
  Pick pick(std::span<const Candidate> servers, const Request&) noexcept override {
    Pick best;
    for (std::size_t i = 0; i < servers.size(); ++i) {
      if (!servers[i].eligible()) continue;
      if (!best || servers[i].overhead() < servers[*best].overhead()) best = i;
    }
    return best;
  }
};

}  // namespace

std::unique_ptr<Scheduler> make_lc(const SchedulerOptions&) { return std::make_unique<LeastConnection>(); }

}  // namespace lvsd::ipvs::engine

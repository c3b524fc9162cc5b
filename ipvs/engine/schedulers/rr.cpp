// rr: each eligible server in turn; weights only say who is eligible.
#include <algorithm>

#include "ipvs/engine/scheduler.hpp"

namespace lvsd::ipvs::engine {
namespace {

class RoundRobin final : public Scheduler {
 public:
  std::unique_ptr<Scheduler> clone() const override { return std::make_unique<RoundRobin>(*this); }
  // The turn stays with the server that had it; a server that is gone leaves it to its predecessor.
  void servers_changed(std::span<const Candidate> servers) override {
    if (last_ == kBeforeFirst) return;
    const auto same =
        std::find_if(servers.begin(), servers.end(), [this](const Candidate& c) { return c.id == last_id_; });
    if (same != servers.end()) {
      last_ = static_cast<std::size_t>(same - servers.begin());
    } else {
      last_ = last_ == 0 || servers.empty() ? kBeforeFirst : std::min(last_ - 1, servers.size() - 1);
      last_id_ = last_ == kBeforeFirst ? 0 : servers[last_].id;
    }
  }

  Pick pick(std::span<const Candidate> servers, const Request&) noexcept override {
    for (std::size_t step = 1; step <= servers.size(); ++step) {
      const auto i = (last_ + step) % servers.size();  // kBeforeFirst + 1 is 0
      if (!servers[i].eligible()) continue;
      last_ = i;
      last_id_ = servers[i].id;
      return i;
    }
    return std::nullopt;
  }

 private:
  static constexpr std::size_t kBeforeFirst = static_cast<std::size_t>(-1);
  std::size_t last_ = kBeforeFirst;
  std::uint32_t last_id_ = 0;
};

}  // namespace

std::unique_ptr<Scheduler> make_rr(const SchedulerOptions&) { return std::make_unique<RoundRobin>(); }

}  // namespace lvsd::ipvs::engine

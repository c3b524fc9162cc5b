// wrr: rounds through the list at a falling weight level; who weighs at least the level takes a connection. In one
// cycle each server gets as many as it weighs (divided by the greatest common divisor), interleaved.
#include <algorithm>
#include <numeric>

#include "ipvs/engine/scheduler.hpp"

namespace lvsd::ipvs::engine {
namespace {

class WeightedRoundRobin final : public Scheduler {
 public:
  std::unique_ptr<Scheduler> clone() const override { return std::make_unique<WeightedRoundRobin>(*this); }
  void servers_changed(std::span<const Candidate> servers) override {
    std::int64_t divisor = 0;
    std::int64_t greatest = 0;
    for (const auto& server : servers) {
      if (!server.listed()) continue;
      divisor = std::gcd(divisor, std::int64_t{server.weight});
      greatest = std::max(greatest, std::int64_t{server.weight});
    }
    step_ = std::max<std::int64_t>(divisor, 1);
    top_ = greatest == 0 ? 0 : greatest - (step_ - 1);
    next_ = 0;
    if (level_ > top_ || level_ == 0) {
      level_ = top_;
    } else if (step_ > 1) {
      level_ = level_ / step_ * step_ + 1;
    }
  }

  // Ends: after a walk in vain the level is one that the heaviest eligible server reaches.
  Pick pick(std::span<const Candidate> servers, const Request&) noexcept override {
    if (top_ <= 0) return std::nullopt;
    for (;;) {
      for (; next_ < servers.size(); ++next_) {
        if (servers[next_].eligible() && servers[next_].weight >= level_) return next_++;
      }
      std::int64_t heaviest = 0;
      for (const auto& server : servers) {
        if (server.eligible()) heaviest = std::max(heaviest, std::int64_t{server.weight});
      }
      if (heaviest == 0) return std::nullopt;
      next_ = 0;
      level_ -= step_;
      if (level_ <= 0) level_ = top_;
      level_ = std::min(level_, heaviest - (step_ - 1));
    }
  }

 private:
  std::size_t next_ = 0;
  std::int64_t level_ = 0;
  std::int64_t step_ = 1;
  std::int64_t top_ = 0;
};

}  // namespace

std::unique_ptr<Scheduler> make_wrr(const SchedulerOptions&) { return std::make_unique<WeightedRoundRobin>(); }

}  // namespace lvsd::ipvs::engine

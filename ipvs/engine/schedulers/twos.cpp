// twos: two servers are drawn at random by weight, and the one with less connections per unit of weight takes the next.
// (IPVS draws from 0 to the sum of the weights, so that the first server of its list gets one part more.)
#include "ipvs/engine/scheduler.hpp"
#include "ipvs/engine/schedulers/least_loaded.hpp"

namespace lvsd::ipvs::engine {
namespace {

class PowerOfTwo final : public Scheduler {
 public:
  explicit PowerOfTwo(const SchedulerOptions& options) : state_{options.seed} {}

  std::unique_ptr<Scheduler> clone() const override { return std::make_unique<PowerOfTwo>(*this); }
  Pick pick(std::span<const Candidate> servers, const Request&) noexcept override {
    std::uint64_t total = 0;
    for (const auto& server : servers) total += server.eligible() ? server.weight : 0;
    if (total == 0) return std::nullopt;
    const auto first = draw(servers, total);
    const auto second = draw(servers, total);
    return less_loaded(servers[second], servers[first], overhead) ? second : first;
  }

 private:
  std::size_t draw(std::span<const Candidate> servers, std::uint64_t total) noexcept {
    auto left = random() % total;  // the sum of the weights is far below 2^64: no bias worth a word
    for (std::size_t i = 0;; ++i) {
      if (!servers[i].eligible()) continue;
      if (left < servers[i].weight) return i;
      left -= servers[i].weight;
    }
  }

  // splitmix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators").
  std::uint64_t random() noexcept {
    auto z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  std::uint64_t state_;
};

}  // namespace

std::unique_ptr<Scheduler> make_twos(const SchedulerOptions& options) { return std::make_unique<PowerOfTwo>(options); }

}  // namespace lvsd::ipvs::engine

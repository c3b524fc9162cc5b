// dh: the virtual address decides; for services with many of them, in front of caches. 256 buckets are filled in turns
// through the list, whatever the servers weigh: the kernel's buckets for the same list. A server of weight 0 keeps its
// buckets and what falls into them gets nothing, as in IPVS; a server that is down has none, as if it had been removed
// from the list.
#include <array>

#include "ipvs/engine/scheduler.hpp"
#include "ipvs/engine/schedulers/address_hash.hpp"

namespace lvsd::ipvs::engine {
namespace {

class DestinationHash final : public Scheduler {
 public:
  std::unique_ptr<Scheduler> clone() const override { return std::make_unique<DestinationHash>(*this); }
  void servers_changed(std::span<const Candidate> servers) override {
    buckets_.fill(kNobody);
    std::size_t filled = 0;
    for (bool any = true; any && filled < buckets_.size();) {
      any = false;
      for (std::size_t i = 0; i < servers.size() && filled < buckets_.size(); ++i) {
        if (servers[i].down) continue;
        any = true;
        buckets_[filled++] = static_cast<std::uint32_t>(i);
      }
    }
  }

  Pick pick(std::span<const Candidate> servers, const Request& request) noexcept override {
    const auto server = buckets_[golden_hash(folded(request.virtual_address), kBits)];
    if (server >= servers.size() || !servers[server].eligible()) return std::nullopt;
    return server;
  }

 private:
  static constexpr unsigned kBits = 8;
  static constexpr std::uint32_t kNobody = 0xffffffff;
  std::array<std::uint32_t, 1u << kBits> buckets_{};
};

}  // namespace

std::unique_ptr<Scheduler> make_dh(const SchedulerOptions&) { return std::make_unique<DestinationHash>(); }

}  // namespace lvsd::ipvs::engine

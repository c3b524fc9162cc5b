// lblc: a virtual address stays with its server, chosen as by wlc, until that is overloaded while another has room. For
// services with many virtual addresses, in front of caches.
#include "ipvs/engine/scheduler.hpp"
#include "ipvs/engine/schedulers/least_loaded.hpp"
#include "ipvs/engine/schedulers/locality.hpp"
#include "ipvs/engine/schedulers/locality_cache.hpp"

namespace lvsd::ipvs::engine {
namespace {

class LocalityBased final : public Scheduler {
 public:
  std::unique_ptr<Scheduler> clone() const override { return std::make_unique<LocalityBased>(*this); }
  void servers_changed(std::span<const Candidate> servers) override { places_.set(servers); }

  Pick pick(std::span<const Candidate> servers, const Request& request) noexcept override {
    auto* known = cache_.find(request.virtual_address, request.now);
    if (known != nullptr) {
      const auto at = places_.find(*known);
      if (at && servers[*at].eligible() && !should_share(servers[*at], servers)) return at;
    }
    const auto best = least_loaded(servers, overhead);
    if (!best) return best;
    if (known == nullptr) known = cache_.insert(request.virtual_address, request.now);
    if (known != nullptr) *known = ServerId{servers[*best].id};
    return best;
  }

 private:
  // Of no server when it is new.
  struct ServerId {
    std::uint32_t id = 0xffffffff;
    operator std::uint32_t() const { return id; }
  };

  ServerPlaces places_;
  LocalityCache<ServerId> cache_;
};

}  // namespace

std::unique_ptr<Scheduler> make_lblc(const SchedulerOptions&) { return std::make_unique<LocalityBased>(); }

}  // namespace lvsd::ipvs::engine

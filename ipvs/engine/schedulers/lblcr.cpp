// lblcr: as lblc, but a virtual address has a set of servers: another is added when the least loaded of them is
// overloaded while one elsewhere has room, and the most loaded leaves when the set has not changed for a day.
#include <algorithm>
#include <array>

#include "ipvs/engine/scheduler.hpp"
#include "ipvs/engine/schedulers/least_loaded.hpp"
#include "ipvs/engine/schedulers/locality.hpp"
#include "ipvs/engine/schedulers/locality_cache.hpp"

namespace lvsd::ipvs::engine {
namespace {

class ReplicatedLocality final : public Scheduler {
 public:
  std::unique_ptr<Scheduler> clone() const override { return std::make_unique<ReplicatedLocality>(*this); }
  void servers_changed(std::span<const Candidate> servers) override { places_.set(servers); }

  Pick pick(std::span<const Candidate> servers, const Request& request) noexcept override {
    auto* known = cache_.find(request.virtual_address, request.now);
    if (known != nullptr) {
      const auto at = least_of(*known, servers);
      if (known->size > 1 && request.now - known->changed > kLocalityExpiry)
        drop_most_loaded(*known, servers, request.now);
      if (at && !should_share(servers[*at], servers)) return at;
    }
    const auto best = least_loaded(servers, overhead);
    if (!best) return best;
    if (known == nullptr) known = cache_.insert(request.virtual_address, request.now);
    if (known != nullptr) known->add(servers[*best].id, request.now);
    return best;
  }

 private:
  // In the order they came. A full set takes no more: its address uses others without remembering them.
  struct ServerSet {
    static constexpr std::size_t kMost = 16;

    std::array<std::uint32_t, kMost> ids{};
    std::size_t size = 0;
    base::TimePoint changed;

    void add(std::uint32_t id, base::TimePoint now) noexcept {
      if (size == kMost || std::find(ids.begin(), ids.begin() + size, id) != ids.begin() + size) return;
      ids[size++] = id;
      changed = now;
    }
    void remove(std::size_t at) noexcept {
      std::copy(ids.begin() + at + 1, ids.begin() + size, ids.begin() + at);
      --size;
    }
  };

  // Servers that are gone leave the set. The newest of equals wins.
  Pick least_of(ServerSet& set, std::span<const Candidate> servers) const noexcept {
    Pick best;
    for (std::size_t i = set.size; i-- > 0;) {
      const auto at = places_.find(set.ids[i]);
      if (!at) {
        set.remove(i);
      } else if (servers[*at].eligible() && (!best || less_loaded(servers[*at], servers[*best], overhead))) {
        best = at;
      }
    }
    return best;
  }

  void drop_most_loaded(ServerSet& set, std::span<const Candidate> servers, base::TimePoint now) const noexcept {
    Pick most;
    std::size_t member = 0;
    for (std::size_t i = set.size; i-- > 0;) {
      const auto at = places_.find(set.ids[i]);
      if (!at || servers[*at].weight == 0) continue;
      if (most && !less_loaded(servers[*most], servers[*at], overhead)) continue;
      most = at;
      member = i;
    }
    if (!most) return;
    set.remove(member);
    set.changed = now;
  }

  ServerPlaces places_;
  LocalityCache<ServerSet> cache_;
};

}  // namespace

std::unique_ptr<Scheduler> make_lblcr(const SchedulerOptions&) { return std::make_unique<ReplicatedLocality>(); }

}  // namespace lvsd::ipvs::engine

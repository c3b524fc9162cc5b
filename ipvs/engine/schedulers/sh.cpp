// sh: the client's address decides, and its port with the flag sh-port. 256 buckets are filled in turns through the
// list, each server taking as many consecutive ones as it weighs: the kernel's buckets for the same list. A server of
// weight 0 still takes one, and its clients get nothing, as in IPVS, unless sh-fallback sends them elsewhere; a server
// that is down takes none, as if it had been removed from the list.
#include <algorithm>
#include <array>

#include "ipvs/engine/scheduler.hpp"
#include "ipvs/engine/schedulers/address_hash.hpp"

namespace lvsd::ipvs::engine {
namespace {

class SourceHash final : public Scheduler {
 public:
  explicit SourceHash(const SchedulerOptions& options) : flags_{options.flags} {}

  std::unique_ptr<Scheduler> clone() const override { return std::make_unique<SourceHash>(*this); }
  void servers_changed(std::span<const Candidate> servers) override {
    buckets_.fill(kNobody);
    std::size_t filled = 0;
    for (bool any = true; any && filled < kBuckets;) {
      any = false;
      for (std::size_t i = 0; i < servers.size(); ++i) {
        if (servers[i].down) continue;
        any = true;
        const auto share = std::max(servers[i].weight, 1u);
        for (std::uint32_t n = 0; n < share && filled < kBuckets; ++n)
          buckets_[filled++] = static_cast<std::uint32_t>(i);
      }
    }
  }

  // Kernel ip_vs_sh.c, ip_vs_sh_get_fallback: all buckets in turn, from twice the number of the client's own on.
  Pick pick(std::span<const Candidate> servers, const Request& request) noexcept override {
    const auto port = flags_.port ? request.client.port : std::uint16_t{0};
    const auto hash = golden_hash(folded(request.client.address) + port, kBits);
    if (const auto own = eligible(servers, hash)) return own;
    if (!flags_.fallback) return std::nullopt;
    for (std::uint32_t offset = 0; offset < kBuckets; ++offset) {
      const auto behind = (offset + hash) % kBuckets;
      if (const auto other = eligible(servers, behind + hash)) return other;
    }
    return std::nullopt;
  }

 private:
  static constexpr unsigned kBits = 8;
  static constexpr std::uint32_t kBuckets = 1u << kBits;
  static constexpr std::uint32_t kNobody = 0xffffffff;

  Pick eligible(std::span<const Candidate> servers, std::uint32_t hash) const noexcept {
    const auto server = buckets_[hash % kBuckets];
    if (server >= servers.size() || !servers[server].eligible()) return std::nullopt;
    return server;
  }

  SchedulerFlags flags_;
  std::array<std::uint32_t, kBuckets> buckets_{};
};

}  // namespace

std::unique_ptr<Scheduler> make_sh(const SchedulerOptions& options) { return std::make_unique<SourceHash>(options); }

}  // namespace lvsd::ipvs::engine

// sh: the client's address decides. 256 buckets are filled in turns through the list, each server taking as many
// consecutive ones as it weighs. A server of weight 0 still takes one, and its clients get nothing, as in IPVS; a
// server that is down takes none, as if it had been removed from the list.
#include <algorithm>
#include <array>

#include "ipvs/engine/scheduler.hpp"

namespace lvsd::ipvs::engine {
namespace {

constexpr std::size_t kBits = 8;
constexpr std::size_t kBuckets = 1u << kBits;
constexpr std::uint32_t kNobody = 0xffffffff;

// Multiplicative hashing by the golden ratio; an IPv6 address is folded by exclusive or.
std::size_t bucket_of(const base::IpAddress& client) {
  std::uint32_t folded = 0;
  for (std::size_t i = 0; i < client.size(); i += 4) {
    folded ^= (std::uint32_t{client.data()[i]} << 24) | (std::uint32_t{client.data()[i + 1]} << 16) |
              (std::uint32_t{client.data()[i + 2]} << 8) | client.data()[i + 3];
  }
  return (folded * 0x61C88647u) >> (32 - kBits);
}

class SourceHash final : public Scheduler {
 public:
  void servers_changed(std::span<const Candidate> servers) override {
    buckets_.fill(kNobody);
    std::size_t filled = 0;
    for (bool any = true; any && filled < kBuckets;) {
      any = false;
      for (std::uint32_t i = 0; i < servers.size(); ++i) {
        if (servers[i].down) continue;
        any = true;
        const auto share = std::max(servers[i].weight, 1u);
        for (std::uint32_t n = 0; n < share && filled < kBuckets; ++n) buckets_[filled++] = i;
      }
    }
  }

  Pick pick(std::span<const Candidate> servers, const base::Endpoint& client) noexcept override {
    const auto server = buckets_[bucket_of(client.address)];
    if (server >= servers.size() || !servers[server].eligible()) return std::nullopt;
    return server;
  }

 private:
  std::array<std::uint32_t, kBuckets> buckets_{};
};

}  // namespace

std::unique_ptr<Scheduler> make_sh() { return std::make_unique<SourceHash>(); }

}  // namespace lvsd::ipvs::engine

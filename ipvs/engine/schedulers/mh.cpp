// mh: consistent hashing of the client's address, and of its port with the flag mh-port, by the table of Maglev
// (Eisenbud et al., NSDI 2016, section 3.4): when a server goes or comes, few other clients move. Hashes, keys, size
// and the way of filling are the kernel's (ip_vs_mh.c, default size), so that a kernel director with the same servers,
// added in the order of the configuration, chooses alike. A server whose weight is set to 0 keeps its places and its
// clients get nothing, as in IPVS, unless mh-fallback sends them elsewhere; one that is down, or came with weight 0,
// has none. With a key of the configuration in place of the kernel's constants nobody outside can tell which addresses
// share a server; both directors of a pair read the same one.
#include <algorithm>
#include <array>
#include <bit>
#include <map>
#include <numeric>
#include <vector>

#include "ipvs/engine/scheduler.hpp"
#include "ipvs/engine/schedulers/address_hash.hpp"
#include "ipvs/engine/sip_hash.hpp"

namespace lvsd::ipvs::engine {
namespace {

constexpr std::uint32_t kPlaces = 4093;          // a prime; CONFIG_IP_VS_MH_TAB_INDEX 12
constexpr int kWeightBits = 6;                   // weights are scaled down to that many
constexpr std::uint64_t kPlaceKey = 2654435761;  // the kernel's
constexpr std::uint64_t kSkipKey = 2654446892;
constexpr std::uint32_t kNobody = 0xffffffff;

std::uint32_t hash(std::uint64_t key, const base::IpAddress& address, std::uint16_t port, std::uint32_t offset = 0) {
  return static_cast<std::uint32_t>(sip_hash(key, key, offset + port + folded(address)));
}

// One server while the table is filled: it asks for places offset, offset + skip, … and takes `turns` at a time.
struct Preference {
  std::uint32_t server;
  std::uint32_t place;
  std::uint32_t skip;
  std::uint32_t turns;
};

class Maglev final : public Scheduler {
 public:
  explicit Maglev(const SchedulerOptions& options)
      : flags_{options.flags},
        place_key_{options.hash_key == 0 ? kPlaceKey : options.hash_key},
        skip_key_{options.hash_key == 0 ? kSkipKey : ~options.hash_key} {
    table_.fill(kNobody);
  }

  std::unique_ptr<Scheduler> clone() const override { return std::make_unique<Maglev>(*this); }
  void servers_changed(std::span<const Candidate> servers) override {
    remember_weights(servers);
    auto preferences = preferences_of(servers);
    table_.fill(kNobody);
    if (preferences.empty()) return;
    for (std::uint32_t filled = 0;;) {
      for (auto& p : preferences) {
        for (std::uint32_t turn = 0; turn < p.turns; ++turn) {
          while (table_[p.place] != kNobody) p.place = (p.place + p.skip) % kPlaces;
          table_[p.place] = p.server;
          if (++filled == kPlaces) return;
        }
      }
    }
  }

  Pick pick(std::span<const Candidate> servers, const Request& request) noexcept override {
    const auto port = flags_.port ? request.client.port : std::uint16_t{0};
    const auto first = hash(place_key_, request.client.address, port) % kPlaces;
    if (const auto own = eligible(servers, first)) return own;
    if (!flags_.fallback) return std::nullopt;
    for (std::uint32_t i = 0; i < kPlaces; ++i) {
      const auto offset = (i + first) % kPlaces;
      if (const auto other = eligible(servers, hash(place_key_, request.client.address, port, offset) % kPlaces))
        return other;
    }
    return std::nullopt;
  }

 private:
  Pick eligible(std::span<const Candidate> servers, std::uint32_t place) const noexcept {
    const auto server = table_[place];
    if (server >= servers.size() || !servers[server].eligible()) return std::nullopt;
    return server;
  }

  // The last weight above 0 of each server in the list.
  void remember_weights(std::span<const Candidate> servers) {
    std::map<std::uint32_t, std::uint32_t> weights;
    for (const auto& server : servers) {
      const auto last = last_weights_.find(server.id);
      weights[server.id] = server.weight > 0 || last == last_weights_.end() ? server.weight : last->second;
    }
    last_weights_ = std::move(weights);
  }

  // In the order of the kernel's list, the newest server first.
  std::vector<Preference> preferences_of(std::span<const Candidate> servers) const {
    std::uint32_t divisor = 0;
    std::uint32_t greatest = 0;
    for (const auto& server : servers) {
      if (server.down) continue;
      divisor = std::gcd(divisor, last_weights_.at(server.id));
      greatest = std::max(greatest, last_weights_.at(server.id));
    }
    std::vector<Preference> all;
    if (divisor == 0) return all;
    const auto shift = std::max(0, static_cast<int>(std::bit_width(greatest / divisor)) - kWeightBits);
    for (auto i = static_cast<std::uint32_t>(servers.size()); i-- > 0;) {
      const auto weight = last_weights_.at(servers[i].id);
      if (servers[i].down || weight == 0) continue;
      const auto& [address, port] = servers[i].address;
      all.push_back({i, hash(place_key_, address, port) % kPlaces, hash(skip_key_, address, port) % (kPlaces - 1) + 1,
                     std::max((weight / divisor) >> shift, 1u)});
    }
    return all;
  }

  SchedulerFlags flags_;
  std::uint64_t place_key_;
  std::uint64_t skip_key_;
  std::map<std::uint32_t, std::uint32_t> last_weights_;  // by the server's id
  std::array<std::uint32_t, kPlaces> table_{};
};

}  // namespace

std::unique_ptr<Scheduler> make_mh(const SchedulerOptions& options) { return std::make_unique<Maglev>(options); }

}  // namespace lvsd::ipvs::engine

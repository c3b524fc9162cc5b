#include "ipvs/engine/expectations.hpp"

#include <boost/container_hash/hash.hpp>

namespace lvsd::ipvs::engine {

std::size_t Expectations::KeyHash::operator()(const Key& key) const noexcept {
  std::size_t seed = key.virtual_port;
  for (const auto word : {key.client.high, key.client.low, key.virtual_address.high, key.virtual_address.low})
    boost::hash_combine(seed, word);
  return seed;
}

bool Expectations::add(const Expectation& e) {
  const Key key{e.client, e.virtual_address, e.virtual_port};
  if (all_.size() >= kMost && !all_.contains(key)) forget_old(e.since);
  if (all_.size() >= kMost && !all_.contains(key)) return false;
  all_[key] = e;
  return true;
}

std::optional<Expectation> Expectations::take(const WireAddress& client, const WireAddress& virtual_address,
                                              std::uint16_t virtual_port, std::uint32_t now) noexcept {
  const auto at = all_.find(Key{client, virtual_address, virtual_port});
  if (at == all_.end()) return std::nullopt;
  const auto found = at->second;
  all_.erase(at);
  return static_cast<std::int32_t>(now - found.since) <= kLongest ? std::optional{found} : std::nullopt;
}

void Expectations::forget_old(std::uint32_t now) {
  boost::unordered::erase_if(
      all_, [now](const auto& entry) { return static_cast<std::int32_t>(now - entry.second.since) > kLongest; });
}

}  // namespace lvsd::ipvs::engine

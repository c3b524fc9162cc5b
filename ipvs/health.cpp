#include "ipvs/health.hpp"

#include <algorithm>

namespace lvsd::ipvs {
namespace {

constexpr std::uint32_t kMostWeight = 65535;

// One word about all checks of a server.
struct Results {
  std::size_t passing = 0;
  std::size_t failing = 0;
  std::size_t silent = 0;
  std::size_t unknown = 0;
};

Results results_of(const RealServerConfig& server, const HealthView& health) {
  Results results;
  for (const auto& check : server.checks) {
    const auto known = health.find(check);
    if (known == health.end()) {
      ++results.unknown;
    } else if (known->second.passes) {
      ++results.passing;
    } else {
      ++results.failing;
      results.silent += known->second.silent;
    }
  }
  return results;
}

ServerState judge(const Results& results, bool any) {
  if (any && results.passing > 0) return ServerState::up;
  if (results.failing > 0 && (!any || results.unknown == 0)) return ServerState::down;
  return results.unknown > 0 ? ServerState::unknown : ServerState::up;
}

std::uint32_t share(std::uint32_t weight, std::uint32_t percent) {
  const auto part = (std::uint64_t{weight} * percent + 50) / 100;
  const std::uint64_t least = weight > 0 && percent > 0 ? 1 : 0;
  return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(part, least, kMostWeight));
}

// The least of what passing checks ask for; their common wish to drain or to leave.
struct Wish {
  bool drain = false;
  bool maintenance = false;
  std::optional<std::uint32_t> weight;
};

Wish wish_of(const RealServerConfig& server, const HealthView& health) {
  Wish wish;
  for (const auto& check : server.checks) {
    const auto known = health.find(check);
    if (known == health.end()) continue;
    const auto& said = known->second;
    wish.drain = wish.drain || said.drain;
    wish.maintenance = wish.maintenance || said.maintenance;
    std::optional<std::uint32_t> weight = said.weight;
    if (!weight && said.percent) weight = share(server.weight, *said.percent);
    if (weight) wish.weight = std::min({*weight, wish.weight.value_or(*weight), kMostWeight});
  }
  return wish;
}

std::uint32_t weight_of(const RealServerConfig& server, const ServerOverride& wanted, const Wish& wish) {
  if (wanted.weight) return *wanted.weight;
  if (wanted.percent) return share(server.weight, *wanted.percent);
  return wish.weight.value_or(server.weight);
}

}  // namespace

void update(HealthView& view, const Health& health) {
  if (health.complete) view.clear();
  for (const auto& target : health.targets) {
    auto& entry = view[target.id];
    entry = TargetHealth{target.passes};
    entry.silent = target.silent;
    entry.drain = target.drain;
    entry.maintenance = target.maintenance;
    entry.weight = target.weight;
    entry.percent = target.percent;
  }
}

OverrideView view_of(const Overrides& overrides) {
  OverrideView view;
  for (const auto& o : overrides.overrides) {
    auto& server = view[{o.service, o.server}];
    switch (o.kind) {
      case OverrideKind::drain:
        server.drain = true;
        break;
      case OverrideKind::disable:
        server.disable = true;
        break;
      case OverrideKind::weight:
        server.weight = std::min(o.value, kMostWeight);
        break;
      case OverrideKind::percent:
        server.percent = o.value;
        break;
    }
  }
  return view;
}

ServerOverride override_of(const OverrideView& view, const std::string& service, const std::string& server) {
  const auto found = view.find({service, server});
  return found == view.end() ? ServerOverride{} : found->second;
}

Standing standing_of(const RealServerConfig& server, const HealthView& health, const ServerOverride& wanted) {
  Standing standing;
  const auto results = results_of(server, health);
  const auto wish = wish_of(server, health);
  standing.checked = judge(results, server.policy.any_check);
  standing.silent = standing.checked == ServerState::down && results.silent == results.failing;
  const bool drain = wanted.drain || wish.drain;
  const bool disable = wanted.disable || wish.maintenance;
  standing.state = disable ? ServerState::disabled : drain ? ServerState::drain : standing.checked;
  standing.weight = drain || disable ? 0 : weight_of(server, wanted, wish);
  return standing;
}

}  // namespace lvsd::ipvs

#include "daemon/quorum_tracks.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace lvsd::daemon {

std::vector<vrrp::Conditions::Track> quorum_results(const vrrp::Config& vrrp, const ipvs::Config& services,
                                                    const ipvs::HealthView& health,
                                                    const ipvs::OverrideView& overrides) {
  std::vector<vrrp::Conditions::Track> results;
  for (const auto& instance : vrrp.instances) {
    for (const auto& track : instance.tracks) {
      if (track.type != "quorum" ||
          std::ranges::find(results, track.name, &vrrp::Conditions::Track::name) != results.end())
        continue;
      const auto service = std::ranges::find(services.virtual_servers, track.target, &ipvs::VirtualServerConfig::name);
      if (service == services.virtual_servers.end()) continue;
      const bool reached = ipvs::has_quorum(*service, health, overrides);
      results.push_back(
          {track.name, !reached, fmt::format("{} {} its quorum", track.target, reached ? "has" : "lacks")});
    }
  }
  return results;
}

}  // namespace lvsd::daemon

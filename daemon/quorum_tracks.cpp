#include "daemon/quorum_tracks.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace lvsd::daemon {

std::vector<vrrp::Conditions::Track> quorum_results(
    const vrrp::Config& vrrp, const std::map<std::string, ipvs::StatesChanged::Service>& services) {
  using Track = vrrp::Conditions::Track;
  std::vector<Track> results;
  for (const auto& instance : vrrp.instances) {
    for (const auto& track : instance.tracks) {
      const bool withdraws = track.type == "withdraw";
      if ((!withdraws && track.type != "quorum") ||
          std::ranges::find(results, track.name, &Track::name) != results.end())
        continue;
      const auto service = services.find(track.target);
      if (service == services.end()) continue;
      if (withdraws) {
        const bool fails = service->second.withdrawn;
        results.push_back({track.name, fails,
                           fmt::format("{} {}", fails ? "all servers fail of" : "there are servers of", track.target)});
        continue;
      }
      const bool reached = service->second.has_quorum;
      results.push_back(
          {track.name, !reached, fmt::format("{} {} its quorum", track.target, reached ? "has" : "lacks")});
    }
  }
  return results;
}

}  // namespace lvsd::daemon

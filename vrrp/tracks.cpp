#include "vrrp/tracks.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "vrrp/timers.hpp"

namespace lvsd::vrrp {
namespace {

constexpr int kLeastPriority = 1;
constexpr int kGreatestPriority = kOwnerPriority - 1;

std::string condition(const std::string& interface, const LinkTable& links) {
  const Link* link = links.find(interface);
  if (!link) return interface + " does not exist";
  if (!link->up) return interface + " is down";
  return interface + (link->running ? " is up" : " has no carrier");
}

}  // namespace

bool failing(const TrackConfig& track, const LinkTable& links) {
  const Link* link = links.find(track.interface);
  const bool usable = link && link->up && link->running;
  return usable == track.reverse;
}

std::uint8_t effective_priority(std::uint8_t configured, std::span<const TrackConfig> tracks, const LinkTable& links) {
  if (configured == kOwnerPriority) return configured;
  int priority = configured;
  for (const auto& track : tracks) {
    if (track.weight && failing(track, links)) priority += *track.weight;
  }
  return static_cast<std::uint8_t>(std::clamp(priority, kLeastPriority, kGreatestPriority));
}

std::string fault(std::span<const TrackConfig> tracks, const LinkTable& links) {
  for (const auto& track : tracks) {
    if (!track.weight && failing(track, links))
      return fmt::format("track {}: {}", track.name, condition(track.interface, links));
  }
  return {};
}

std::string costs(std::span<const TrackConfig> tracks, const LinkTable& links) {
  std::string result;
  for (const auto& track : tracks) {
    if (!track.weight || !failing(track, links)) continue;
    result += fmt::format("{}{} {:+}", result.empty() ? "" : ", ", track.name, *track.weight);
  }
  return result;
}

}  // namespace lvsd::vrrp

#include "vrrp/tracks.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "vrrp/timers.hpp"

namespace lvsd::vrrp {
namespace {

constexpr int kLeastPriority = 1;
constexpr int kGreatestPriority = kOwnerPriority - 1;

constexpr std::string_view kInterface = "interface";

std::string link_condition(const std::string& interface, const LinkTable& links) {
  const Link* link = links.find(interface);
  if (!link) return interface + " does not exist";
  if (!link->up) return interface + " is down";
  return interface + (link->running ? " is up" : " has no carrier");
}

const Conditions::Track* result_of(const TrackConfig& track, const Sight& sight) {
  const auto it = std::ranges::find(sight.told, track.name, &Conditions::Track::name);
  return it == sight.told.end() ? nullptr : &*it;
}

}  // namespace

bool is_known(const TrackConfig& track, const Sight& sight) {
  return track.type == kInterface || result_of(track, sight) != nullptr;
}

bool failing(const TrackConfig& track, const Sight& sight) {
  if (!is_known(track, sight)) return false;
  if (const auto* result = result_of(track, sight); track.type != kInterface) return result->failing != track.reverse;
  const Link* link = sight.links.find(track.interface);
  const bool usable = link && link->up && link->running;
  return usable == track.reverse;
}

std::string condition(const TrackConfig& track, const Sight& sight) {
  if (track.type == kInterface) return link_condition(track.interface, sight.links);
  const auto* result = result_of(track, sight);
  return result ? result->text : "no result yet";
}

std::uint8_t effective_priority(std::uint8_t configured, std::span<const TrackConfig> tracks, const Sight& sight) {
  if (configured == kOwnerPriority) return configured;
  int priority = configured;
  for (const auto& track : tracks) {
    if (track.weight && failing(track, sight)) priority += *track.weight;
  }
  return static_cast<std::uint8_t>(std::clamp(priority, kLeastPriority, kGreatestPriority));
}

std::string fault(std::span<const TrackConfig> tracks, const Sight& sight) {
  for (const auto& track : tracks) {
    if (!track.weight && failing(track, sight)) return fmt::format("track {}: {}", track.name, condition(track, sight));
  }
  return {};
}

std::string costs(std::span<const TrackConfig> tracks, const Sight& sight) {
  std::string result;
  for (const auto& track : tracks) {
    if (!track.weight || !failing(track, sight)) continue;
    result += fmt::format("{}{} {:+}", result.empty() ? "" : ", ", track.name, *track.weight);
  }
  return result;
}

}  // namespace lvsd::vrrp

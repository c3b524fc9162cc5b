// What instances depend on beside their own interface: which tracks fail, and what that does to the priority. An
// interface is judged by the links, anything else by what the supervisor has told; what has no result yet does not
// fail. Pure; used by the instances.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "vrrp/config.hpp"
#include "vrrp/link_table.hpp"
#include "vrrp/messages.hpp"

namespace lvsd::vrrp {

// What tracks are judged by.
struct Sight {
  Sight(const LinkTable& table, std::span<const Conditions::Track> results = {}) : links{table}, told{results} {}
  const LinkTable& links;
  std::span<const Conditions::Track> told;
};

bool failing(const TrackConfig& track, const Sight& sight);
bool is_known(const TrackConfig& track, const Sight& sight);

// "eth1 has no carrier", "connection refused (3rd failure)".
std::string condition(const TrackConfig& track, const Sight& sight);

// `configured` and the weights of what fails, within 1..254. An owner (255) stays one.
std::uint8_t effective_priority(std::uint8_t configured, std::span<const TrackConfig> tracks, const Sight& sight);

// The first failing track without a weight: "track uplink: eth1 is down"; empty when there is none.
std::string fault(std::span<const TrackConfig> tracks, const Sight& sight);

// The names of the failing tracks with a weight: "uplink -60, back -10"; empty when there is none.
std::string costs(std::span<const TrackConfig> tracks, const Sight& sight);

}  // namespace lvsd::vrrp

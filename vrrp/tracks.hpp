// What instances depend on beside their own interface: which tracks fail, and what that does to the priority. Pure;
// used by the instances.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "vrrp/config.hpp"
#include "vrrp/link_table.hpp"

namespace lvsd::vrrp {

bool failing(const TrackConfig& track, const LinkTable& links);

// `configured` and the weights of what fails, within 1..254. An owner (255) stays one.
std::uint8_t effective_priority(std::uint8_t configured, std::span<const TrackConfig> tracks, const LinkTable& links);

// The first failing track without a weight: "track uplink: eth1 is down"; empty when there is none.
std::string fault(std::span<const TrackConfig> tracks, const LinkTable& links);

// The names of the failing tracks with a weight: "uplink -60, back -10"; empty when there is none.
std::string costs(std::span<const TrackConfig> tracks, const LinkTable& links);

}  // namespace lvsd::vrrp

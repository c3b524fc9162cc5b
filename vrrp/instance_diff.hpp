// What a new configuration means for the instances that run. Pure.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "vrrp/config.hpp"

namespace lvsd::vrrp {

struct InstanceDiff {
  std::vector<std::string> gone;        // stop; also first half of a replacement
  std::vector<InstanceConfig> changed;  // reconfigure in place
  std::vector<InstanceConfig> added;    // start; also second half of a replacement
};

// Virtual router id, interface and address family: what makes a virtual router (RFC 9568 §1.6).
bool same_virtual_router(const InstanceConfig& a, const InstanceConfig& b);

// An instance is the same across reloads when name and virtual router are; otherwise it is replaced.
InstanceDiff diff(const std::vector<InstanceConfig>& from, const std::vector<InstanceConfig>& to);

// What an instance that is gone leaves to its successor belongs to another instance here, at once.
bool is_in_the_way(const InstanceConfig& gone, std::span<const InstanceConfig> next);

}  // namespace lvsd::vrrp

// What a new configuration means for the instances that run. Pure.
#pragma once

#include <string>
#include <vector>

#include "vrrp/config.hpp"

namespace lvsd::vrrp {

struct InstanceDiff {
  std::vector<std::string> gone;        // stop; also first half of a replacement
  std::vector<InstanceConfig> changed;  // reconfigure in place
  std::vector<InstanceConfig> added;    // start; also second half of a replacement
};

// An instance is the same across reloads when name, interface and virtual router id are; otherwise it is replaced.
InstanceDiff diff(const std::vector<InstanceConfig>& from, const std::vector<InstanceConfig>& to);

}  // namespace lvsd::vrrp

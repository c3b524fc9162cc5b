// Whether a director tells and hears by IPVS's own protocol, by its configuration and its VRRP role. Pure; used by
// multicast and by the kernel backend.
#pragma once

#include <set>
#include <string>

#include "ipvs/config.hpp"

namespace lvsd::ipvs::sync {

struct IpvsRoles {
  bool tells = false;
  bool hears = false;
  friend bool operator==(const IpvsRoles&, const IpvsRoles&) = default;
};

// `masters`: the VRRP instances that are master here.
inline IpvsRoles roles_of(const IpvsSyncConfig& config, const std::set<std::string>& masters) {
  if (config.interface.empty()) return {};
  if (config.vrrp.empty()) return {config.tells, config.hears};
  const bool master = masters.contains(config.vrrp);
  return {master, !master};
}

}  // namespace lvsd::ipvs::sync

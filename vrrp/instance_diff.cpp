#include "vrrp/instance_diff.hpp"

#include <algorithm>

namespace lvsd::vrrp {
namespace {

const InstanceConfig* find(const std::vector<InstanceConfig>& among, const std::string& name) {
  const auto it = std::ranges::find(among, name, &InstanceConfig::name);
  return it == among.end() ? nullptr : &*it;
}

}  // namespace

bool same_virtual_router(const InstanceConfig& a, const InstanceConfig& b) {
  return a.interface == b.interface && a.family() == b.family() && a.virtual_router_id == b.virtual_router_id;
}

bool is_in_the_way(const InstanceConfig& gone, std::span<const InstanceConfig> next) {
  return std::ranges::any_of(next, [&](const InstanceConfig& other) {
    if (same_virtual_router(other, gone)) return true;
    return std::ranges::any_of(gone.virtual_addresses, [&](const VirtualAddress& address) {
      return std::ranges::any_of(other.virtual_addresses, [&](const VirtualAddress& theirs) {
        return theirs.prefix.address == address.prefix.address;
      });
    });
  });
}

InstanceDiff diff(const std::vector<InstanceConfig>& from, const std::vector<InstanceConfig>& to) {
  InstanceDiff result;
  for (const auto& old : from) {
    const auto* next = find(to, old.name);
    if (!next || !same_virtual_router(old, *next)) result.gone.push_back(old.name);
  }
  for (const auto& next : to) {
    const auto* old = find(from, next.name);
    if (!old || !same_virtual_router(*old, next)) {
      result.added.push_back(next);
    } else if (*old != next) {
      result.changed.push_back(next);
    }
  }
  return result;
}

}  // namespace lvsd::vrrp

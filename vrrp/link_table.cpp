#include "vrrp/link_table.hpp"

#include <algorithm>
#include <utility>

namespace lvsd::vrrp {

const LinkAddress* Link::find(const base::Prefix& prefix) const {
  const auto it = std::ranges::find(addresses, prefix, &LinkAddress::prefix);
  return it == addresses.end() ? nullptr : &*it;
}

bool Link::has(const base::IpAddress& address) const {
  return std::ranges::any_of(addresses, [&](const auto& a) { return a.prefix.address == address && a.usable; });
}

bool LinkTable::put(Link link) {
  const auto [it, is_new] = links_.try_emplace(link.index);
  Link& known = it->second;
  link.addresses = std::move(known.addresses);
  const bool changed =
      is_new || std::tie(known.name, known.up, known.running, known.arp, known.mac, known.below, known.alias) !=
                    std::tie(link.name, link.up, link.running, link.arp, link.mac, link.below, link.alias);
  known = std::move(link);
  return changed;
}

bool LinkTable::remove(int index) { return links_.erase(index) != 0; }

bool LinkTable::put_address(int index, const LinkAddress& address) {
  const auto it = links_.find(index);
  if (it == links_.end()) return false;
  auto& addresses = it->second.addresses;
  const auto known = std::ranges::find(addresses, address.prefix, &LinkAddress::prefix);
  if (known == addresses.end()) {
    addresses.push_back(address);
    return true;
  }
  const bool changed = *known != address;
  *known = address;
  return changed;
}

bool LinkTable::remove_address(int index, const base::Prefix& prefix) {
  const auto it = links_.find(index);
  return it != links_.end() &&
         std::erase_if(it->second.addresses, [&](const auto& a) { return a.prefix == prefix; }) != 0;
}

const Link* LinkTable::find(const std::string& name) const {
  const auto it = std::ranges::find_if(links_, [&](const auto& entry) { return entry.second.name == name; });
  return it == links_.end() ? nullptr : &it->second;
}

const Link* LinkTable::find(int index) const {
  const auto it = links_.find(index);
  return it == links_.end() ? nullptr : &it->second;
}

std::optional<base::IpAddress> primary_address(const Link& link, base::Family family,
                                               std::span<const base::IpAddress> virtual_addresses) {
  std::optional<base::IpAddress> secondary;
  for (const auto& candidate : link.addresses) {
    const auto& address = candidate.prefix.address;
    if (address.family() != family || !candidate.usable) continue;
    if (family == base::Family::V6 && !address.is_link_local()) continue;
    if (std::ranges::find(virtual_addresses, address) != virtual_addresses.end()) continue;
    if (!candidate.secondary) return address;
    if (!secondary) secondary = address;
  }
  return secondary;
}

std::string problem(const Link* link, const std::string& interface) {
  if (!link) return interface + " does not exist";
  if (!link->up) return interface + " is down";
  if (!link->running) return interface + " has no carrier";
  return {};
}

bool prefix_is_shared(const Link& link, const base::Prefix& prefix) {
  return std::ranges::any_of(link.addresses, [&](const LinkAddress& other) {
    return other.prefix.length == prefix.length && other.prefix.address != prefix.address &&
           prefix.contains(other.prefix.address);
  });
}

bool is_our_lease(const LinkAddress& address, std::chrono::seconds lease) {
  return address.lease && *address.lease <= lease;
}

bool leases_are_younger(const Link& link, std::span<const base::Prefix> wanted, std::chrono::seconds lease,
                        base::Duration age) {
  return !wanted.empty() && std::ranges::all_of(wanted, [&](const base::Prefix& prefix) {
    const LinkAddress* present = link.find(prefix);
    return present && is_our_lease(*present, lease) && lease - *present->lease + std::chrono::seconds{1} <= age;
  });
}

}  // namespace lvsd::vrrp

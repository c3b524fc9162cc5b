#include "vrrp/holdings.hpp"

#include <algorithm>

#include "base/log.hpp"
#include "vrrp/instance_record.hpp"
#include "vrrp/link_monitor.hpp"
#include "vrrp/timers.hpp"

namespace lvsd::vrrp {
namespace {

using ByInterface = std::map<std::string, std::vector<VirtualAddress>>;

ByInterface by_interface(const InstanceConfig& config) {
  ByInterface result;
  for (const auto& address : config.virtual_addresses) {
    result[config.interface_of(address)].push_back(address);
  }
  return result;
}

std::vector<base::Prefix> prefixes(const std::vector<VirtualAddress>& addresses) {
  std::vector<base::Prefix> result;
  for (const auto& address : addresses) result.push_back(address.prefix);
  return result;
}

}  // namespace

const Link* Holdings::link(const std::string& interface) const { return links_.table().find(interface); }
std::chrono::seconds Holdings::lease() const { return address_lease(config_.advert_interval); }

VirtualAddresses& Holdings::on(const std::string& interface) {
  return by_interface_.try_emplace(interface, kernel_).first->second;
}

void Holdings::hold(base::TimePoint now) {
  for (const auto& [interface, wanted] : by_interface(config_)) hold_on(interface, wanted, now);
}

void Holdings::hold_on(const std::string& interface, const std::vector<VirtualAddress>& wanted, base::TimePoint now) {
  const Link* known = link(interface);
  if (!known && interface != config_.interface && record_.worth_a_line("hold", now)) {
    base::log::error(config_.name, "{} cannot be added: {} does not exist", wanted.front().prefix.to_string(),
                     interface);
  }
  if (!known) return;
  const auto held = on(interface).hold(*known, wanted, lease());
  interference_.added(held ? std::string{} : held.error().text, now);
  if (!held && record_.worth_a_line("hold", now)) base::log::error(config_.name, "{}", held.error().text);
  warn_of_foreign(*known, wanted, now);
}

void Holdings::warn_of_foreign(const Link& link, const std::vector<VirtualAddress>& wanted, base::TimePoint now) {
  for (const auto& prefix : on(link.name).foreign(link, wanted, lease())) {
    if (config_.priority == kOwnerPriority) continue;
    const auto text = fmt::format("{} is on {} already, and not from here: left alone", prefix.to_string(), link.name);
    const auto at = base::milliseconds(std::chrono::system_clock::now().time_since_epoch());
    if (record_.alarms.raise(AlarmKind::address_taken, text, now, at)) base::log::warning(config_.name, "{}", text);
  }
}

void Holdings::drop() {
  for (const auto& [interface, wanted] : by_interface(config_)) on(interface).release(link(interface), wanted, lease());
}

void Holdings::drop_unwanted(const InstanceConfig& next) {
  const auto wanted = by_interface(next);
  for (auto& [interface, addresses] : by_interface_) {
    const Link* known = link(interface);
    const auto rest = wanted.find(interface);
    if (!known) continue;
    addresses.release_unwanted(*known, rest == wanted.end() ? std::vector<VirtualAddress>{} : rest->second);
  }
}

void Holdings::repair(base::TimePoint now) {
  for (const auto& [interface, wanted] : by_interface(config_)) {
    const Link* known = link(interface);
    if (!known) continue;
    const auto missing = on(interface).missing(*known);
    if (missing.empty() && on(interface).on(*known)) continue;
    hold_on(interface, wanted, now);
    if (missing.empty()) continue;
    record_.addresses_restored += missing.size();
    for (const auto& prefix : missing) interference_.removed(prefix.to_string(), now);
    if (record_.worth_a_line("restored", now)) {
      base::log::warning(config_.name, "somebody removed {} from {}: put back ({} times so far)",
                         missing.front().to_string(), interface, record_.addresses_restored);
    }
  }
}

bool Holdings::prove_mastership() const {
  const auto wanted = by_interface(config_);
  return !wanted.empty() && std::ranges::all_of(wanted, [&](const auto& entry) {
    const Link* known = link(entry.first);
    return known && leases_are_younger(*known, prefixes(entry.second), lease(), resume_limit(config_.advert_interval));
  });
}

}  // namespace lvsd::vrrp

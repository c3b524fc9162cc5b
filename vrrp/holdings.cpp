#include "vrrp/holdings.hpp"

#include <algorithm>

#include "base/log.hpp"
#include "vrrp/instance_record.hpp"
#include "vrrp/link_monitor.hpp"
#include "vrrp/timers.hpp"
#include "vrrp/virtual_links.hpp"
#include "vrrp/virtual_routes.hpp"

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

// On a link of its own an address brings no second route to a prefix that the interface below has already.
std::vector<VirtualAddress> without_shared_routes(std::vector<VirtualAddress> wanted, const Link& below) {
  for (auto& address : wanted) address.prefix_route = address.prefix_route && !prefix_is_shared(below, address.prefix);
  return wanted;
}

}  // namespace

const Link* Holdings::link(const std::string& interface) const { return links_.table().find(interface); }
std::chrono::seconds Holdings::lease() const { return address_lease(config_.advert_interval); }

VirtualAddresses& Holdings::on(const std::string& interface) {
  return by_interface_.try_emplace(interface, kernel_.addresses).first->second;
}

void Holdings::hold(base::TimePoint now) {
  set_virtual_link(true, now);
  for (const auto& [interface, wanted] : by_interface(config_)) hold_on(interface, wanted, now);
  hold_routes(now);
}

void Holdings::set_virtual_link(bool up, base::TimePoint now) {
  if (!config_.virtual_mac || !virtual_link_problem(config_, links_.table()).empty()) return;
  const Link& known = *link(config_.virtual_link());
  if (up && known.up) return;
  const auto done = up ? kernel_.links.raise(known) : kernel_.links.lower(known);
  if (!done && record_.worth_a_line("virtual link", now)) base::log::error(config_.name, "{}", done.error().text);
}

int Holdings::link_of(const VirtualRoute& route) const {
  if (route.interface.empty() && route.gateway) return 0;
  const Link* known = link(route.interface.empty() ? config_.interface : route.interface);
  return known ? known->index : 0;
}

// After the addresses, which may be what their gateways are reached by.
void Holdings::hold_routes(base::TimePoint now) {
  for (const auto& route : config_.routes) {
    const auto put = kernel_.routes.put(route, link_of(route));
    if (!put && record_.worth_a_line("route", now)) base::log::error(config_.name, "{}", put.error().text);
  }
}

void Holdings::drop_routes(const std::vector<VirtualRoute>& routes) {
  for (const auto& route : routes) static_cast<void>(kernel_.routes.remove(route, link_of(route)));
}

void Holdings::hold_on(const std::string& interface, const std::vector<VirtualAddress>& wanted, base::TimePoint now) {
  const Link* known = link(interface);
  if (!known && interface != config_.interface && record_.worth_a_line("hold", now)) {
    base::log::error(config_.name, "{} cannot be added: {} does not exist", wanted.front().prefix.to_string(),
                     interface);
  }
  if (!known) return;
  const Link* below = known->below != 0 ? links_.table().find(known->below) : nullptr;
  const auto held = on(interface).hold(*known, below ? without_shared_routes(wanted, *below) : wanted, lease());
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
  drop_routes(config_.routes);
  for (const auto& [interface, wanted] : by_interface(config_)) on(interface).release(link(interface), wanted, lease());
  set_virtual_link(false, base::Clock::now());
}

void Holdings::drop_unwanted(const InstanceConfig& next) {
  std::vector<VirtualRoute> routes;
  std::ranges::copy_if(config_.routes, std::back_inserter(routes), [&](const VirtualRoute& route) {
    return std::ranges::find(next.routes, route) == next.routes.end();
  });
  drop_routes(routes);
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

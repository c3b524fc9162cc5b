#include "daemon/ctl/select.hpp"

#include <algorithm>
#include <functional>
#include <set>

#include <fmt/format.h>
#include <fnmatch.h>

#include "daemon/ctl/nearest.hpp"

namespace lvsd::ctl {
namespace {

using base::fail;
using base::Result;

bool matches_service(const std::string& pattern, const ipvs::ServiceStatus& service) {
  return matches(pattern, service.name) ||
         std::ranges::any_of(service.listeners, [&](const auto& l) { return is_address(pattern, l.address); });
}

bool matches_server(const std::string& pattern, const ServerRef& ref) {
  return matches(pattern, ref.name()) || is_address(pattern, ref.server->address) ||
         matches_service(pattern, *ref.service);
}

std::vector<ServerRef> all_servers(const ipvs::Table& table) {
  std::vector<ServerRef> refs;
  for (const auto& service : table.services) {
    for (const auto& server : service.servers) refs.push_back({&service, &server});
  }
  return refs;
}

// Of `all`, what matches any of the names.
template <class T>
Result<std::vector<T>> select(const std::vector<T>& all, const std::vector<std::string>& names, std::string_view what,
                              bool (*fits)(const std::string&, const T&), std::string (*name_of)(const T&)) {
  if (names.empty()) return all;
  std::vector<bool> chosen(all.size());
  for (const auto& name : names) {
    bool found = false;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (!fits(name, all[i])) continue;
      chosen[i] = found = true;
    }
    if (found) continue;
    std::vector<std::string> known;
    for (const auto& element : all) known.push_back(name_of(element));
    return no_such(what, name, known);
  }
  std::vector<T> out;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (chosen[i]) out.push_back(all[i]);
  }
  return out;
}

}  // namespace

bool matches(const std::string& pattern, const std::string& name) {
  return ::fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
}

bool is_address(const std::string& pattern, const base::Endpoint& endpoint) {
  return pattern == endpoint.address.to_string() || pattern == endpoint.to_string();
}

tl::unexpected<base::Error> no_such(std::string_view what, const std::string& name,
                                    const std::vector<std::string>& known) {
  const std::vector<std::string_view> views(known.begin(), known.end());
  const auto near = nearest(name, views);
  return fail(near.empty() ? fmt::format("no {} matches \"{}\"", what, name)
                           : fmt::format("no {} matches \"{}\"; did you mean \"{}\"?", what, name, near));
}

Result<std::vector<const ipvs::ServiceStatus*>> select_services(const ipvs::Table& table,
                                                                const std::vector<std::string>& names) {
  std::vector<const ipvs::ServiceStatus*> all;
  for (const auto& service : table.services) all.push_back(&service);
  using Pointer = const ipvs::ServiceStatus*;
  return select<Pointer>(
      all, names, "virtual server", [](const std::string& n, const Pointer& s) { return matches_service(n, *s); },
      [](const Pointer& s) { return s->name; });
}

Result<std::vector<ServerRef>> select_servers(const ipvs::Table& table, const std::vector<std::string>& names) {
  return select<ServerRef>(all_servers(table), names, "real server", matches_server,
                           [](const ServerRef& r) { return r.name(); });
}

Result<const vrrp::InstanceStatus*> select_instance(const vrrp::Status& status, const std::string& name) {
  std::vector<std::string> known;
  for (const auto& instance : status.instances) {
    if (instance.name == name) return &instance;
    known.push_back(instance.name);
  }
  return no_such("VRRP instance", name, known);
}

Result<std::vector<const healthcheck::TargetStatus*>> select_targets(const healthcheck::Status& status,
                                                                     const ipvs::Table& table,
                                                                     const std::string& name) {
  std::set<std::string_view> ids;
  std::vector<std::string> known;
  for (const auto& ref : all_servers(table)) {
    known.push_back(ref.name());
    known.push_back(ref.service->name);
    if (matches_server(name, ref)) ids.insert(ref.server->checks.begin(), ref.server->checks.end());
  }
  std::vector<const healthcheck::TargetStatus*> found;
  for (const auto& target : status.targets) {
    known.push_back(target.check);
    if (ids.contains(target.id) || matches(name, target.check) || matches(name, target.id)) found.push_back(&target);
  }
  if (!found.empty()) return found;
  const bool unchecked =
      std::ranges::any_of(all_servers(table), [&](const auto& ref) { return matches_server(name, ref); });
  if (unchecked) return fail(fmt::format("nothing checks \"{}\": its servers are used unchecked", name));
  return no_such("server, service or check", name, known);
}

const healthcheck::TargetStatus* find_target(const healthcheck::Status& status, std::string_view id) {
  const auto found = std::ranges::find(status.targets, id, &healthcheck::TargetStatus::id);
  return found == status.targets.end() ? nullptr : &*found;
}

}  // namespace lvsd::ctl

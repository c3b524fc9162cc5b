#include "daemon/notices.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "vrrp/names.hpp"

namespace lvsd::daemon {
namespace {

using vrrp::Role;

std::string state_word(Role role) { return role == Role::init ? "STOP" : std::string{vrrp::capitals(role)}; }

}  // namespace

std::string fifo_line(const Notice& notice) {
  return fmt::format("{} \"{}\" {} {}\n", notice.kind, notice.name, notice.state, notice.priority);
}

std::vector<std::string> arguments(const Notice& notice) {
  return {notice.kind, notice.name, notice.state, fmt::format("{}", notice.priority)};
}

std::vector<Notice> RoleNotices::observe(const vrrp::RoleChanged& change, const vrrp::Config& config) {
  const auto known = instances_.find(change.instance);
  const bool told = known != instances_.end() && known->second.role == change.to;
  instances_[change.instance] = {change.to, change.priority};
  std::vector<Notice> out;
  if (!told) out.push_back({"INSTANCE", change.instance, state_word(change.to), change.priority});
  const auto instance = std::ranges::find(config.instances, change.instance, &vrrp::InstanceConfig::name);
  if (instance != config.instances.end() && !instance->sync_group.empty())
    observe_group(instance->sync_group, config, out);
  return out;
}

void RoleNotices::observe_group(const std::string& group, const vrrp::Config& config, std::vector<Notice>& out) {
  std::set<Role> roles;
  std::uint32_t priority = 0;
  for (const auto& instance : config.instances) {
    if (instance.sync_group != group) continue;
    const auto known = instances_.find(instance.name);
    if (known == instances_.end()) return;  // not all have said yet what they are
    roles.insert(known->second.role);
    priority = known->second.priority;
  }
  if (roles.size() != 1 && !roles.contains(Role::fault)) return;  // on the way
  auto state = roles.contains(Role::fault) ? state_word(Role::fault) : state_word(*roles.begin());
  if (groups_[group] == state) return;
  groups_[group] = state;
  out.push_back({"GROUP", group, std::move(state), priority});
}

}  // namespace lvsd::daemon

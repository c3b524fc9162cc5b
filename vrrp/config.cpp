#include "vrrp/config.hpp"

#include <algorithm>

namespace lvsd::vrrp {
namespace {

constexpr std::uint8_t kScopeLink = 253;
constexpr std::uint8_t kScopeHost = 254;

}  // namespace

std::string VirtualAddress::to_string() const {
  std::string text = prefix.to_string();
  if (!interface.empty()) text += " dev=" + interface;
  if (!label.empty()) text += " label=" + label;
  if (scope == kScopeLink) text += " scope=link";
  if (scope == kScopeHost) text += " scope=host";
  if (!prefix_route) text += " prefix_route=no";
  return text;
}

base::Family InstanceConfig::family() const {
  const auto first = std::ranges::find(virtual_addresses, true, &VirtualAddress::advertised);
  return first == virtual_addresses.end() ? base::Family::V4 : first->prefix.address.family();
}

}  // namespace lvsd::vrrp

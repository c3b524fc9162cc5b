#include "vrrp/config.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace lvsd::vrrp {
namespace {

constexpr std::uint8_t kScopeLink = 253;
constexpr std::uint8_t kScopeHost = 254;
constexpr std::uint32_t kMainTable = 254;

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

std::string VirtualRoute::to_string() const {
  std::string text = prefix.to_string();
  if (gateway) text += " via=" + gateway->to_string();
  if (!interface.empty()) text += " dev=" + interface;
  if (source) text += " src=" + source->to_string();
  if (metric != 0) text += fmt::format(" metric={}", metric);
  if (table != kMainTable) text += fmt::format(" table={}", table);
  return text;
}

base::MacAddress InstanceConfig::virtual_mac_address() const {
  const std::uint8_t which = family() == base::Family::V4 ? 1 : 2;
  return {{0x00, 0x00, 0x5e, 0x00, which, virtual_router_id}};
}

std::string InstanceConfig::virtual_link() const {
  return fmt::format("{}.{}", family() == base::Family::V4 ? "vrrp" : "vrrp6", virtual_router_id);
}

base::Family InstanceConfig::family() const {
  const auto first = std::ranges::find(virtual_addresses, true, &VirtualAddress::advertised);
  return first == virtual_addresses.end() ? base::Family::V4 : first->prefix.address.family();
}

}  // namespace lvsd::vrrp

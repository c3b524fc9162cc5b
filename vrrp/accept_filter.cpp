#include "vrrp/accept_filter.hpp"

#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "vrrp/timers.hpp"

namespace lvsd::vrrp {
namespace {

std::string drop(std::string_view family, const std::vector<std::string>& addresses) {
  if (addresses.empty()) return {};
  return fmt::format("    {} daddr {{ {} }} counter drop\n", family, fmt::join(addresses, ", "));
}

}  // namespace

std::string accept_rules(const std::vector<InstanceConfig>& instances) {
  std::vector<std::string> ipv4;
  std::vector<std::string> ipv6;
  for (const auto& instance : instances) {
    if (instance.accept || instance.priority == kOwnerPriority) continue;
    for (const auto& address : instance.virtual_addresses) {
      const auto& ip = address.prefix.address;
      (ip.is_v4() ? ipv4 : ipv6).push_back(ip.to_string());
    }
  }
  if (ipv4.empty() && ipv6.empty()) return {};
  return fmt::format(
      "table {} {{\n"
      "  chain input {{\n"
      "    type filter hook input priority -1; policy accept;\n"
      "    iif lo accept\n"
      "    icmpv6 type {{ nd-neighbor-solicit, nd-neighbor-advert }} accept\n"
      "{}{}"
      "  }}\n"
      "}}\n",
      kAcceptTable, drop("ip", ipv4), drop("ip6", ipv6));
}

}  // namespace lvsd::vrrp

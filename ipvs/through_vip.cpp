#include "ipvs/through_vip.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace lvsd::ipvs {
namespace {

// Whose answer it is, the port tells that the check asked from.
std::string map_of(const char* family) {
  return fmt::format(
      "  map servers{0} {{ type inet_proto . inet_service : ipv{0}_addr; flags dynamic,timeout; timeout 2m; size "
      "65536; }}\n",
      family);
}

}  // namespace

std::string through_vip_rules(const std::vector<MarkedAddress>& addresses, const std::vector<std::string>& interfaces) {
  if (addresses.empty() || interfaces.empty()) return {};
  std::string out;
  std::string in;
  for (const auto& [mark, address] : addresses) {
    const auto* ip = address.is_v4() ? "ip" : "ip6";
    const auto* map = address.is_v4() ? "servers4" : "servers6";
    out += fmt::format("    meta mark {0:#x} update @{1} {{ meta l4proto . th sport : {2} daddr }} {2} daddr set {3}\n",
                       mark, map, ip, address.to_string());
    in +=
        fmt::format("    {0} saddr {1} {0} saddr set meta l4proto . th dport map @{2}\n", ip, address.to_string(), map);
  }
  const auto devices = fmt::format("{}", fmt::join(interfaces, ", "));
  return fmt::format(
      "table {0} {{\n{1}{2}"
      "  chain out {{\n    type filter hook egress devices = {{ {3} }} priority 0; policy accept;\n{4}  }}\n"
      "  chain in {{\n    type filter hook ingress devices = {{ {3} }} priority 0; policy accept;\n{5}  }}\n"
      "}}\n",
      kThroughVipTable, map_of("4"), map_of("6"), devices, out, in);
}

}  // namespace lvsd::ipvs

#include "ipvs/kernel/marks.hpp"

#include <fmt/format.h>

#include "ipvs/names.hpp"

namespace lvsd::ipvs::kernel {
namespace {

std::string rule(const Listener& match, std::uint32_t mark) {
  const auto& [address, port] = match.address;
  std::string ports = fmt::format("meta l4proto {}", name(match.protocol));
  if (!match.all_ports()) ports = fmt::format("{} dport {}", name(match.protocol), port);
  if (match.last_port) ports += fmt::format("-{}", match.last_port);
  return fmt::format("    {} daddr {} {} meta mark set {}\n", address.is_v4() ? "ip" : "ip6", address.to_string(),
                     ports, mark);
}

}  // namespace

std::string mark_table(const ServiceTable& table) {
  std::string rules;
  for (const auto& [name, service] : table) {
    const auto& virtual_server = service.virtual_server;
    if (!virtual_server.options.fwmark) continue;
    for (const auto& match : virtual_server.listeners) rules += rule(match, virtual_server.options.fwmark);
  }
  if (rules.empty()) return "";
  return fmt::format(
      "table {} {{\n"
      "  chain incoming {{\n    type filter hook prerouting priority mangle; policy accept;\n{}  }}\n"
      "  chain outgoing {{\n    type route hook output priority mangle; policy accept;\n{}  }}\n"
      "}}\n",
      kMarkTable, rules, rules);
}

}  // namespace lvsd::ipvs::kernel

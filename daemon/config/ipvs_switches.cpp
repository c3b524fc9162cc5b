#include "daemon/config/ipvs_switches.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace lvsd::daemon {
namespace {

constexpr std::string_view kFixedTable =
    "the engine's table has a fixed size: max_connections and max_half_open say who gives way";
constexpr std::string_view kSync =
    "the engine's directors share connections by [sync], which tells all of them as they change";
constexpr std::string_view kRates = "the engine's rates cost nothing worth switching off";
constexpr std::string_view kCache = "with the engine it is IPVS's default, 24h";

constexpr std::array<std::pair<std::string_view, std::string_view>, 24> kReasons{{
    {"am_droprate", kFixedTable},
    {"amemthresh", kFixedTable},
    {"backup_only", "the engine takes all packets to a virtual address: a director cannot be a real server of another"},
    {"cache_bypass", "a packet to a virtual address has no other place to go when there is no server"},
    {"conntrack", "packets of the engine do not pass the kernel's connection tracking"},
    {"drop_entry", kFixedTable},
    {"drop_packet", kFixedTable},
    {"est_cpulist", kRates},
    {"est_nice", kRates},
    {"ignore_tunneled", "the engine never sees what came out of a tunnel: it takes frames as they come from the wire"},
    {"lblc_expiration", kCache},
    {"lblcr_expiration", kCache},
    {"nat_icmp_send",
     "packets of a server that belong to no connection never reach the engine: the kernel routes them"},
    {"pmtu_disc",
     "the engine does as with 1: a packet in a tunnel keeps its DF, and its client hears of a smaller MTU"},
    {"run_estimation", kRates},
    {"snat_reroute", "the engine does as with 1: a reply takes the route to its client"},
    {"sync_persist_mode", kSync},
    {"sync_ports", kSync},
    {"sync_qlen_max", kSync},
    {"sync_refresh_period", kSync},
    {"sync_retries", kSync},
    {"sync_sock_size", kSync},
    {"sync_threshold", kSync},
    {"sync_version", kSync},
}};

}  // namespace

std::string_view why_no_engine_key(std::string_view sysctl) {
  const auto at = std::ranges::find(kReasons, sysctl, &std::pair<std::string_view, std::string_view>::first);
  return at == kReasons.end() ? std::string_view{} : at->second;
}

}  // namespace lvsd::daemon

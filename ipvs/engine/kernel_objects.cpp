#include "ipvs/engine/kernel_objects.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <set>

#include <linux/if.h>
#include <linux/rtnetlink.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/link/vlan.h>
#include <netlink/route/neighbour.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>

namespace lvsd::ipvs::engine {
namespace {

constexpr int kUsable = NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE;

struct FreeCache {
  void operator()(nl_cache* cache) const { nl_cache_free(cache); }
};
using Cache = std::unique_ptr<nl_cache, FreeCache>;

tl::unexpected<base::Error> fail_nl(const char* what, int error) {
  return base::fail(std::string{what} + ": " + nl_geterror(error));
}

template <class Object, class Each>
void for_each(const Cache& cache, Each each) {
  for (nl_object* o = nl_cache_get_first(cache.get()); o; o = nl_cache_get_next(o)) each(reinterpret_cast<Object*>(o));
}

std::optional<base::IpAddress> to_address(nl_addr* address) {
  if (!address) return std::nullopt;
  const int family = nl_addr_get_family(address);
  if (family != AF_INET && family != AF_INET6) return std::nullopt;
  std::array<std::uint8_t, 16> bytes{};
  const auto length = nl_addr_get_len(address);
  if (length != 0 && length != (family == AF_INET ? 4u : 16u)) return std::nullopt;  // 0: "default"
  std::memcpy(bytes.data(), nl_addr_get_binary_addr(address), length);
  if (family == AF_INET6) return base::IpAddress::v6(bytes);
  return base::IpAddress::v4((std::uint32_t{bytes[0]} << 24) | (std::uint32_t{bytes[1]} << 16) |
                             (std::uint32_t{bytes[2]} << 8) | bytes[3]);
}

base::MacAddress to_mac(nl_addr* address) {
  base::MacAddress mac;
  if (address && nl_addr_get_len(address) == mac.bytes.size()) {
    std::memcpy(mac.bytes.data(), nl_addr_get_binary_addr(address), mac.bytes.size());
  }
  return mac;
}

Link to_link(rtnl_link* object) {
  Link link;
  link.name = rtnl_link_get_name(object);
  link.interface.index = static_cast<std::uint32_t>(rtnl_link_get_ifindex(object));
  link.interface.mac = to_mac(rtnl_link_get_addr(object));
  link.interface.mtu = rtnl_link_get_mtu(object);
  const unsigned int flags = rtnl_link_get_flags(object);
  link.interface.up = (flags & IFF_UP) != 0 && (flags & IFF_LOWER_UP) != 0;
  link.receive_queues = std::max(1u, rtnl_link_get_num_rx_queues(object));
  return link;
}

// A route of another type than unicast and local forbids the destination: a route out of no interface says so.
std::optional<Route> to_route(rtnl_route* object) {
  const auto table = rtnl_route_get_table(object);
  if (table != RT_TABLE_MAIN && table != RT_TABLE_LOCAL) return std::nullopt;
  nl_addr* destination = rtnl_route_get_dst(object);
  const auto address = to_address(destination);
  if (!address) return std::nullopt;
  Route route;
  route.destination = {*address, static_cast<std::uint8_t>(nl_addr_get_prefixlen(destination))};
  route.metric = rtnl_route_get_priority(object);
  const int type = rtnl_route_get_type(object);
  route.local = type == RTN_LOCAL || type == RTN_BROADCAST;
  if (!route.local && type != RTN_UNICAST) return route;
  // Of several next hops the first that works is taken: flows are not spread.
  for (int i = 0; i < rtnl_route_get_nnexthops(object); ++i) {
    rtnl_nexthop* hop = rtnl_route_nexthop_n(object, i);
    route.interface = static_cast<std::uint32_t>(rtnl_route_nh_get_ifindex(hop));
    route.gateway = to_address(rtnl_route_nh_get_gateway(hop));
    if ((rtnl_route_nh_get_flags(hop) & (RTNH_F_DEAD | RTNH_F_LINKDOWN)) == 0) break;
  }
  return route;
}

}  // namespace

void Free::operator()(nl_sock* socket) const { nl_socket_free(socket); }

base::Result<NlSocket> open_route_socket() {
  NlSocket socket{nl_socket_alloc()};
  if (!socket) return base::fail("netlink socket: out of memory");
  if (const int error = nl_connect(socket.get(), NETLINK_ROUTE); error < 0) return fail_nl("netlink socket", error);
  return socket;
}

base::Result<std::vector<Link>> dump_links(nl_sock* socket) {
  nl_cache* cache = nullptr;
  if (const int e = rtnl_link_alloc_cache(socket, AF_UNSPEC, &cache); e < 0) return fail_nl("dump interfaces", e);
  const Cache links{cache};
  if (const int e = rtnl_addr_alloc_cache(socket, &cache); e < 0) return fail_nl("dump addresses", e);
  const Cache addresses{cache};
  std::vector<Link> result;
  std::set<std::uint32_t> trunks;
  for_each<rtnl_link>(links, [&](rtnl_link* link) {
    result.push_back(to_link(link));
    if (rtnl_link_is_vlan(link)) trunks.insert(static_cast<std::uint32_t>(rtnl_link_get_link(link)));
  });
  for (auto& link : result) link.carries_vlans = trunks.contains(link.interface.index);
  for_each<rtnl_addr>(addresses, [&](rtnl_addr* object) {
    const auto address = to_address(rtnl_addr_get_local(object));
    const auto index = static_cast<std::uint32_t>(rtnl_addr_get_ifindex(object));
    const auto link = std::ranges::find_if(result, [&](const Link& l) { return l.interface.index == index; });
    if (address && link != result.end()) link->interface.addresses.push_back(*address);
  });
  return result;
}

base::Result<std::vector<Route>> dump_routes(nl_sock* socket) {
  std::vector<Route> result;
  for (const int family : {AF_INET, AF_INET6}) {
    nl_cache* cache = nullptr;
    if (const int e = rtnl_route_alloc_cache(socket, family, 0, &cache); e < 0) return fail_nl("dump routes", e);
    const Cache routes{cache};
    for_each<rtnl_route>(routes, [&](rtnl_route* object) {
      if (auto route = to_route(object)) result.push_back(*route);
    });
  }
  return result;
}

base::Result<std::vector<Neighbour>> dump_neighbours(nl_sock* socket) {
  nl_cache* cache = nullptr;
  if (const int e = rtnl_neigh_alloc_cache(socket, &cache); e < 0) return fail_nl("dump neighbours", e);
  const Cache neighbours{cache};
  std::vector<Neighbour> result;
  for_each<rtnl_neigh>(neighbours, [&](rtnl_neigh* object) {
    if (auto neighbour = to_neighbour(object)) result.push_back(*neighbour);
  });
  return result;
}

std::optional<Neighbour> to_neighbour(rtnl_neigh* object) {
  if (const int family = rtnl_neigh_get_family(object); family != AF_INET && family != AF_INET6) return std::nullopt;
  if (const int flags = static_cast<int>(rtnl_neigh_get_flags(object)); flags > 0 && (flags & NTF_PROXY))
    return std::nullopt;
  const auto address = to_address(rtnl_neigh_get_dst(object));
  if (!address) return std::nullopt;
  Neighbour neighbour;
  neighbour.interface = static_cast<std::uint32_t>(rtnl_neigh_get_ifindex(object));
  neighbour.address = *address;
  neighbour.mac = to_mac(rtnl_neigh_get_lladdr(object));
  const int state = std::max(0, rtnl_neigh_get_state(object));
  neighbour.usable = (state & kUsable) != 0 && !neighbour.mac.is_zero();
  neighbour.failed = (state & NUD_FAILED) != 0;
  neighbour.permanent = (state & (NUD_PERMANENT | NUD_NOARP)) != 0;
  return neighbour;
}

}  // namespace lvsd::ipvs::engine

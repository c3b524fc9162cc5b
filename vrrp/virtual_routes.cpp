#include "vrrp/virtual_routes.hpp"

#include <fmt/format.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <netlink/netlink.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>
#include <netlink/socket.h>

namespace lvsd::vrrp {
namespace {

struct PutRoute {
  void operator()(rtnl_route* route) const { rtnl_route_put(route); }
};
struct PutNlAddress {
  void operator()(nl_addr* address) const { nl_addr_put(address); }
};
using Route = std::unique_ptr<rtnl_route, PutRoute>;
using NlAddress = std::unique_ptr<nl_addr, PutNlAddress>;

int family_of(const base::IpAddress& address) { return address.is_v4() ? AF_INET : AF_INET6; }

NlAddress to_kernel(const base::IpAddress& address) {
  return NlAddress{nl_addr_build(family_of(address), address.data(), address.size())};
}

Route make_route(const VirtualRoute& wanted, int link) {
  Route route{rtnl_route_alloc()};
  const auto destination = to_kernel(wanted.prefix.address);
  nl_addr_set_prefixlen(destination.get(), wanted.prefix.length);
  rtnl_route_set_family(route.get(), static_cast<std::uint8_t>(family_of(wanted.prefix.address)));
  rtnl_route_set_table(route.get(), wanted.table);
  rtnl_route_set_protocol(route.get(), kRouteProtocol);
  rtnl_route_set_scope(route.get(), wanted.gateway ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK);
  rtnl_route_set_dst(route.get(), destination.get());
  if (wanted.metric != 0) rtnl_route_set_priority(route.get(), wanted.metric);
  if (wanted.source) rtnl_route_set_pref_src(route.get(), to_kernel(*wanted.source).get());
  rtnl_nexthop* hop = rtnl_route_nh_alloc();
  if (link != 0) rtnl_route_nh_set_ifindex(hop, link);
  if (wanted.gateway) rtnl_route_nh_set_gateway(hop, to_kernel(*wanted.gateway).get());
  rtnl_route_add_nexthop(route.get(), hop);
  return route;
}

}  // namespace

struct RouteWriter::Impl {
  Impl() : socket{nl_socket_alloc()} {
    if (socket) error = nl_connect(socket, NETLINK_ROUTE);
  }
  ~Impl() { nl_socket_free(socket); }

  nl_sock* socket;
  int error = -NLE_NOMEM;
};

RouteWriter::RouteWriter() : impl_{std::make_unique<Impl>()} {}
RouteWriter::~RouteWriter() = default;

base::Result<void> RouteWriter::put(const VirtualRoute& route, int link) {
  if (impl_->error < 0) return base::fail(std::string{"netlink: "} + nl_geterror(impl_->error));
  const int result = rtnl_route_add(impl_->socket, make_route(route, link).get(), NLM_F_EXCL);
  if (result < 0 && result != -NLE_EXIST)
    return base::fail(fmt::format("add route {}: {}", route.to_string(), nl_geterror(result)));
  return {};
}

base::Result<void> RouteWriter::remove(const VirtualRoute& route, int link) {
  if (impl_->error < 0) return base::fail(std::string{"netlink: "} + nl_geterror(impl_->error));
  const int result = rtnl_route_delete(impl_->socket, make_route(route, link).get(), 0);
  if (result < 0 && result != -NLE_OBJ_NOTFOUND && result != -NLE_NODEV && result != -NLE_NOADDR)
    return base::fail(fmt::format("remove route {}: {}", route.to_string(), nl_geterror(result)));
  return {};
}

}  // namespace lvsd::vrrp

// A mirror of what the kernel knows about ways out: interfaces, routes (longest prefix first) and neighbours. Pure: fed
// by the netlink rim (neighbours.cpp), read by the core.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/address.hpp"

namespace lvsd::ipvs::engine {

struct Interface {
  std::uint32_t index = 0;
  base::MacAddress mac;
  std::uint32_t mtu = 1500;
  bool up = false;
  bool engine = false;                     // has an AF_XDP socket: the core may send there
  std::vector<base::IpAddress> addresses;  // for ICMP errors of our own
};

struct Route {
  base::Prefix destination;
  std::uint32_t metric = 0;
  std::uint32_t interface = 0;
  std::optional<base::IpAddress> gateway;  // none: on-link
  bool local = false;                      // an address of this host
};

struct Neighbour {
  std::uint32_t interface = 0;
  base::IpAddress address;
  base::MacAddress mac;
  bool usable = false;  // the kernel would send to it now (reachable, stale, delay, probe, permanent)
  bool failed = false;
  bool permanent = false;  // made by an administrator: nothing to be asked
};

struct NextHop {
  enum class Kind : std::uint8_t { Resolved, Unresolved, Failed, NoRoute, Local } kind = Kind::NoRoute;
  std::uint32_t interface = 0;
  std::uint32_t mtu = 0;
  base::IpAddress address;  // the neighbour to ask for: gateway or destination
  base::MacAddress source;
  base::MacAddress destination;
};

class NextHops {
 public:
  NextHops();
  NextHops(NextHops&&) noexcept;
  NextHops& operator=(NextHops&&) noexcept;
  ~NextHops();

  // Full replacement after a dump; single changes from events.
  void replace_interfaces(std::vector<Interface> interfaces);
  void replace_routes(std::vector<Route> routes);
  void set_neighbour(const Neighbour& neighbour);
  void forget_neighbour(std::uint32_t interface, const base::IpAddress& address);
  void clear_neighbours();

  // Allocation-free; called per packet. Of routes with the same prefix the lowest metric counts.
  NextHop find(const base::IpAddress& destination) const noexcept;
  // As a known on-link neighbour (DR): the route's interface, but never through a gateway.
  NextHop find_on_link(const base::IpAddress& destination) const noexcept;
  const Interface* interface(std::uint32_t index) const noexcept;

  // Another number after every change: what was found before may be kept until then.
  std::uint64_t generation() const noexcept;

 private:
  struct Tables;
  std::unique_ptr<Tables> tables_;
};

}  // namespace lvsd::ipvs::engine

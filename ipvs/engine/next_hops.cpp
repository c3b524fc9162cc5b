#include "ipvs/engine/next_hops.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <boost/unordered/unordered_flat_map.hpp>

namespace lvsd::ipvs::engine {
namespace {

using Hasher = std::hash<base::IpAddress>;

base::IpAddress masked(const base::IpAddress& address, unsigned length) {
  if (address.is_v4()) {
    const auto mask = length == 0 ? 0u : ~std::uint32_t{0} << (32 - length);
    return base::IpAddress::v4(address.v4_host_order() & mask);
  }
  auto bytes = address.bytes();
  for (unsigned i = 0; i < 16; ++i) {
    const auto kept = length > i * 8 ? std::min(length - i * 8, 8u) : 0u;
    bytes[i] = static_cast<std::uint8_t>(bytes[i] & (0xff00u >> kept));
  }
  return base::IpAddress::v6(bytes);
}

// Routes of one prefix length. IPv4 networks are looked up by number, which is what the data path does per packet.
struct Level {
  unsigned length = 0;
  std::uint32_t mask = 0;
  boost::unordered_flat_map<std::uint32_t, Route> v4;
  boost::unordered_flat_map<base::IpAddress, Route, Hasher> v6;
};

}  // namespace

struct NextHops::Tables {
  std::vector<Interface> interfaces;  // by index
  std::vector<Level> v4;              // longest prefix first
  std::vector<Level> v6;
  // By interface index.
  boost::unordered_flat_map<std::uint32_t, boost::unordered_flat_map<std::uint32_t, Neighbour>> v4_neighbours;
  boost::unordered_flat_map<std::uint32_t, boost::unordered_flat_map<base::IpAddress, Neighbour, Hasher>> v6_neighbours;
  std::uint64_t generation = 1;

  const Route* route(const base::IpAddress& destination) const noexcept;
  const Neighbour* neighbour(std::uint32_t interface, const base::IpAddress& address) const noexcept;
  const Interface* interface(std::uint32_t index) const noexcept;
  NextHop through(const Route& route, const base::IpAddress& address) const noexcept;
};

const Route* NextHops::Tables::route(const base::IpAddress& destination) const noexcept {
  if (destination.is_v4()) {
    const auto number = destination.v4_host_order();
    for (const auto& level : v4) {
      if (const auto found = level.v4.find(number & level.mask); found != level.v4.end()) return &found->second;
    }
    return nullptr;
  }
  for (const auto& level : v6) {
    if (const auto found = level.v6.find(masked(destination, level.length)); found != level.v6.end())
      return &found->second;
  }
  return nullptr;
}

const Neighbour* NextHops::Tables::neighbour(std::uint32_t index, const base::IpAddress& address) const noexcept {
  const auto search = [&](const auto& neighbours, const auto& key) -> const Neighbour* {
    const auto there = neighbours.find(index);
    if (there == neighbours.end()) return nullptr;
    const auto found = there->second.find(key);
    return found == there->second.end() ? nullptr : &found->second;
  };
  return address.is_v4() ? search(v4_neighbours, address.v4_host_order()) : search(v6_neighbours, address);
}

const Interface* NextHops::Tables::interface(std::uint32_t index) const noexcept {
  const auto at = std::lower_bound(interfaces.begin(), interfaces.end(), index,
                                   [](const Interface& i, std::uint32_t wanted) { return i.index < wanted; });
  return at != interfaces.end() && at->index == index ? &*at : nullptr;
}

NextHop NextHops::Tables::through(const Route& route, const base::IpAddress& address) const noexcept {
  NextHop hop;
  hop.address = address;
  hop.interface = route.interface;
  if (route.local) {
    hop.kind = NextHop::Kind::Local;
    return hop;
  }
  const auto* out = interface(route.interface);
  if (out == nullptr || !out->up) return hop;
  hop.mtu = out->mtu;
  hop.source = out->mac;
  const auto* known = neighbour(route.interface, address);
  hop.kind = NextHop::Kind::Unresolved;
  if (known != nullptr && known->usable) {
    hop.kind = NextHop::Kind::Resolved;
    hop.destination = known->mac;
  } else if (known != nullptr && known->failed) {
    hop.kind = NextHop::Kind::Failed;
  }
  return hop;
}

NextHops::NextHops() : tables_{std::make_unique<Tables>()} {}
NextHops::NextHops(NextHops&&) noexcept = default;
NextHops& NextHops::operator=(NextHops&&) noexcept = default;
NextHops::~NextHops() = default;

void NextHops::replace_interfaces(std::vector<Interface> interfaces) {
  std::sort(interfaces.begin(), interfaces.end(), [](const auto& a, const auto& b) { return a.index < b.index; });
  tables_->interfaces = std::move(interfaces);
  ++tables_->generation;
}

void NextHops::replace_routes(std::vector<Route> routes) {
  std::stable_sort(routes.begin(), routes.end(), [](const Route& a, const Route& b) {
    return std::pair{b.destination.length, a.metric} < std::pair{a.destination.length, b.metric};
  });
  tables_->v4.clear();
  tables_->v6.clear();
  for (const auto& route : routes) {
    const bool v4 = route.destination.address.is_v4();
    const unsigned length = std::min<unsigned>(route.destination.length, v4 ? 32 : 128);
    auto& levels = v4 ? tables_->v4 : tables_->v6;
    if (levels.empty() || levels.back().length != length) {
      levels.push_back({length, v4 && length > 0 ? ~std::uint32_t{0} << (32 - length) : 0, {}, {}});
    }
    const auto network = masked(route.destination.address, length);
    if (v4) {
      levels.back().v4.emplace(network.v4_host_order(), route);  // the first, of the lowest metric, stays
    } else {
      levels.back().v6.emplace(network, route);
    }
  }
  ++tables_->generation;
}

// The kernel tells of every step between reachable and stale; ways change with few of them.
void NextHops::set_neighbour(const Neighbour& neighbour) {
  const auto* known = tables_->neighbour(neighbour.interface, neighbour.address);
  if (known != nullptr && known->mac == neighbour.mac && known->usable == neighbour.usable &&
      known->failed == neighbour.failed)
    return;
  if (neighbour.address.is_v4()) {
    tables_->v4_neighbours[neighbour.interface][neighbour.address.v4_host_order()] = neighbour;
  } else {
    tables_->v6_neighbours[neighbour.interface][neighbour.address] = neighbour;
  }
  ++tables_->generation;
}

void NextHops::forget_neighbour(std::uint32_t interface, const base::IpAddress& address) {
  if (address.is_v4()) {
    tables_->v4_neighbours[interface].erase(address.v4_host_order());
  } else {
    tables_->v6_neighbours[interface].erase(address);
  }
  ++tables_->generation;
}

void NextHops::clear_neighbours() {
  tables_->v4_neighbours.clear();
  tables_->v6_neighbours.clear();
  ++tables_->generation;
}

NextHop NextHops::find(const base::IpAddress& destination) const noexcept {
  const auto* route = tables_->route(destination);
  return route == nullptr ? NextHop{} : tables_->through(*route, route->gateway.value_or(destination));
}

NextHop NextHops::find_on_link(const base::IpAddress& destination) const noexcept {
  const auto* route = tables_->route(destination);
  return route == nullptr || route->gateway ? NextHop{} : tables_->through(*route, destination);
}

const Interface* NextHops::interface(std::uint32_t index) const noexcept { return tables_->interface(index); }
std::uint64_t NextHops::generation() const noexcept { return tables_->generation; }

}  // namespace lvsd::ipvs::engine

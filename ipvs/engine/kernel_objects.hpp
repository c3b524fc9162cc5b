// From libnl's objects to the values of NextHops. Used by neighbours.cpp.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "base/result.hpp"
#include "ipvs/engine/neighbours.hpp"

struct nl_sock;
struct rtnl_neigh;

namespace lvsd::ipvs::engine {

struct Free {
  void operator()(nl_sock* socket) const;
};
using NlSocket = std::unique_ptr<nl_sock, Free>;

base::Result<NlSocket> open_route_socket();

// Whole dumps over a blocking socket; the kernel answers them at once.
base::Result<std::vector<Link>> dump_links(nl_sock* socket);
base::Result<std::vector<Route>> dump_routes(nl_sock* socket);
base::Result<std::vector<Neighbour>> dump_neighbours(nl_sock* socket);

// None for neighbours that are no way out: other families, bridge entries, proxies.
std::optional<Neighbour> to_neighbour(rtnl_neigh* object);

}  // namespace lvsd::ipvs::engine

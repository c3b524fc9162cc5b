// The netlink rim of NextHops: follows the kernel's interfaces, addresses, routes and neighbours, and asks the kernel
// to resolve neighbours. Owned by the engine backend, on the room's loop. IPv4 so far. Events are hints; what counts is
// read back: after every lost event (ENOBUFS), after changes, and every kDumpInterval anyway.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "ipvs/engine/next_hops.hpp"

namespace boost::asio {
class io_context;
}

namespace lvsd::ipvs::engine {

// An interface with what NextHops does not need of it.
struct Link {
  std::string name;
  Interface interface;  // `engine` is left to the receiver
  std::uint32_t receive_queues = 1;
  bool carries_vlans = false;  // VLAN devices stand on it
  std::uint32_t below = 0;     // the interface that it stands on; 0: none
};

class Neighbours {
 public:
  static constexpr base::Duration kDumpInterval = std::chrono::seconds{30};
  // At most one dump of interfaces and routes in this time, and none for five times as long as the last one took.
  static constexpr base::Duration kLeastPause = std::chrono::milliseconds{50};

  struct Receiver {
    std::function<void(const std::vector<Link>& links, const std::vector<Route>& routes)> topology;
    std::function<void(const std::vector<Neighbour>& neighbours)> all_neighbours;
    std::function<void(const Neighbour& neighbour)> changed;
    std::function<void(std::uint32_t interface, const base::IpAddress& address)> forgotten;
  };

  // Reads everything once before it returns; then calls back from the loop.
  static base::Result<std::unique_ptr<Neighbours>> start(boost::asio::io_context& loop, Receiver receiver);
  ~Neighbours();
  Neighbours(const Neighbours&) = delete;
  Neighbours& operator=(const Neighbours&) = delete;

  // As if the kernel were about to send there: starts resolution of an unknown neighbour and a probe of a stale one
  // (NTF_USE). The answer comes as a change; should the mirror have missed it, a dump follows.
  void ask(std::uint32_t interface, const base::IpAddress& address);

 private:
  struct Impl;
  explicit Neighbours(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace lvsd::ipvs::engine

// The maps that tell the XDP program what belongs to the engine: listeners of virtual servers with their ranges of
// ports, and flows of NAT replies. The same for all interfaces. Listeners are set by the room's loop, flows by the
// worker; the kernel serialises both.
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <vector>

#include "base/fd.hpp"
#include "base/result.hpp"
#include "ipvs/config.hpp"
#include "ipvs/engine/core.hpp"

namespace lvsd::ipvs::engine {

class RedirectMaps {
 public:
  static constexpr std::uint32_t kMaxListeners = 1u << 16;

  // Empty maps; room for `max_flows` replies.
  static base::Result<RedirectMaps> create(std::uint32_t max_flows);

  // Compares with the maps themselves and changes what differs. `tunnel_servers`: about whom ICMP errors come up.
  base::Result<void> set_listeners(const std::set<Listener>& listeners,
                                   const std::set<base::IpAddress>& tunnel_servers = {});

  // In order. Returns how many changes the kernel refused (a full map).
  std::size_t change_flows(std::span<const FlowChange> changes);

  int listeners_fd() const { return listeners_.get(); }
  int ranges_fd() const { return ranges_.get(); }
  int flows_fd() const { return flows_.get(); }

 private:
  base::UniqueFd listeners_;
  base::UniqueFd ranges_;
  base::UniqueFd flows_;
};

}  // namespace lvsd::ipvs::engine

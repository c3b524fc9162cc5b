// What a server that takes no new connections has still to finish. Used by the control process's overview and by
// lvsctl.
#pragma once

#include <algorithm>
#include <cstdint>

#include "ipvs/messages.hpp"

namespace lvsd::ipvs {

// TCP that is only closing does not count. UDP has no other sign of life than its entries, which a service of both
// protocols does not tell from closing TCP: there only TCP is counted.
inline std::uint64_t remaining_connections(const ServiceStatus& service, const ServerStatus& server) {
  const bool udp = std::all_of(service.listeners.begin(), service.listeners.end(),
                               [](const ListenerStatus& l) { return l.protocol == "udp"; });
  return server.active_connections + (udp ? server.inactive_connections : 0);
}

}  // namespace lvsd::ipvs

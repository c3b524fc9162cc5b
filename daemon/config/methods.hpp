// What forwarding methods need besides a server's address: the tunnel (tun), local addresses and the way a server
// learns its client's address (fullnat). Used by the validators of services and of [engine].
#pragma once

#include <vector>

#include "daemon/config/servers.hpp"

namespace lvsd::daemon {

// `server` null: the sorry server, which has what the service says.
struct MethodSubject {
  const SectionReader& service;
  const Server* server = nullptr;
  base::Endpoint address;
  ipvs::Method method{};
  Place place;  // of what is wrong when it stands nowhere itself
};

// After build_engine(): the engine's tunnel_checksum and local addresses are defaults.
ipvs::ServerOptions method_options(Build& build, const MethodSubject& subject,
                                   const std::vector<base::IpAddress>& local_addresses);

// Keys of a service that no server's method can use.
void check_method_keys(Build& build, const SectionReader& service, const ipvs::VirtualServerConfig& config);

// The values of local_address, those that are wrong reported and left out.
std::vector<base::IpAddress> read_local_addresses(Build& build, const SectionReader& reader);

// Once all listeners are known.
void check_local_addresses(Build& build);

}  // namespace lvsd::daemon

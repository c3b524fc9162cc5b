// The virtual-server table as a value: what a backend holds (read back) and what it should hold (desired()). Commands
// are the difference. Pure; used by desired, diff and both backends.
#pragma once

#include <map>
#include <string>
#include <variant>
#include <vector>

#include "base/address.hpp"
#include "ipvs/config.hpp"

namespace lvsd::ipvs {

struct VirtualServer {
  std::string name;  // identity
  std::vector<Listener> listeners;
  SchedulerKind scheduler = SchedulerKind::Wlc;
  SchedulerFlags flags{};
  ServiceOptions options{};
  friend bool operator==(const VirtualServer&, const VirtualServer&) = default;
};

struct RealServer {
  std::string name;        // identity within its virtual server
  base::Endpoint address;  // port 0: the port the client asked for
  Method method = Method::Dr;
  std::uint32_t weight = 1;  // 0: no new connections
  bool down = false;   // fails its checks: no new connections, and what it held may be scheduled anew (UDP, a new SYN)
  bool aside = false;  // left out of the list: below the quorum (the sorry server takes its place), or drained by an
                       // operator; the weight is 0, and no client persists on it
  ServerOptions options{};
  friend bool operator==(const RealServer&, const RealServer&) = default;
};

struct Service {
  VirtualServer virtual_server;
  std::vector<RealServer> servers;  // in the order of the configuration
  friend bool operator==(const Service&, const Service&) = default;
};

using ServiceTable = std::map<std::string, Service>;  // by the virtual server's name

struct AddService {
  VirtualServer virtual_server;
  friend bool operator==(const AddService&, const AddService&) = default;
};
struct SetService {
  VirtualServer virtual_server;
  friend bool operator==(const SetService&, const SetService&) = default;
};
struct RemoveService {
  std::string service;
  friend bool operator==(const RemoveService&, const RemoveService&) = default;
};
struct AddServer {
  std::string service;
  RealServer server;
  friend bool operator==(const AddServer&, const AddServer&) = default;
};
struct SetServer {
  std::string service;
  RealServer server;
  friend bool operator==(const SetServer&, const SetServer&) = default;
};
// No new connections; what it holds may finish (drain).
struct RemoveServer {
  std::string service;
  std::string server;
  friend bool operator==(const RemoveServer&, const RemoveServer&) = default;
};

using Command = std::variant<AddService, SetService, RemoveService, AddServer, SetServer, RemoveServer>;

}  // namespace lvsd::ipvs

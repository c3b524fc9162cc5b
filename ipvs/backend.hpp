// Where the table is put into force: the engine or kernel IPVS. One of the three places of lvsd with an interface.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>

#include "base/fd.hpp"
#include "base/result.hpp"
#include "ipvs/messages.hpp"
#include "ipvs/table.hpp"

namespace lvsd::ipvs {

// Descriptors by name that the supervisor holds for the next incarnation of the room: "connections", "xdp:IFNAME".
using Kept = std::map<std::string, base::UniqueFd>;
using KeepFd = std::function<void(const std::string& name, int fd)>;

class ForwardingBackend {
 public:
  virtual ~ForwardingBackend() = default;

  // Calls come from the room's loop and return within milliseconds.

  // Brings the table to `desired`: compared with what is really there, never with what was done last. Returns how many
  // changes that took; 0: it was so already, nothing was written.
  virtual base::Result<std::size_t> put_in_force(const ServiceTable& desired) = 0;
  virtual base::Result<void> configure(const Config& config) = 0;  // all but the table: interfaces, timeouts

  // The VRRP instances that are master here, which sharing connections may depend on.
  virtual void follow_roles(const std::set<std::string>& masters) = 0;

  // For people; `measured` services carry no health yet (desired.hpp: describe).
  virtual base::Result<Table> status() = 0;
  virtual base::Result<Connections> connections(const ConnectionsQuery& query) = 0;
  virtual base::Result<Listing> listing() = 0;
  virtual base::Result<Drops> drops() = 0;
  virtual base::Result<Trace> trace(const TraceQuery& query) = 0;
  virtual SyncStatus sync_status() = 0;
  virtual base::Result<Captured> capture(const CaptureQuery& query) = 0;

  virtual std::uint64_t progress() const = 0;  // grows while it works; one that stands still is restarted
  virtual void stop() = 0;                     // end of service
};

}  // namespace lvsd::ipvs

// Where the table is put into force: the engine or kernel IPVS. One of the three places of lvsd with an interface.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "base/result.hpp"
#include "ipvs/messages.hpp"
#include "ipvs/table.hpp"

namespace lvsd::ipvs {

class ForwardingBackend {
 public:
  virtual ~ForwardingBackend() = default;

  // Read back, never remembered. Calls come from the room's loop and return within milliseconds.
  virtual base::Result<ServiceTable> table() = 0;
  virtual base::Result<void> apply(std::span<const Command> commands) = 0;
  virtual base::Result<void> configure(const Config& config) = 0;  // all but the table: interfaces, timeouts

  // For people; `measured` services carry no health yet (desired.hpp: describe).
  virtual base::Result<Table> status() = 0;
  virtual base::Result<Connections> connections(const ConnectionsQuery& query) = 0;
  virtual base::Result<Drops> drops() = 0;
};

}  // namespace lvsd::ipvs

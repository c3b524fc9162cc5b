// Which connections have flows in the fast path, and what was counted there: put down to the connection and its server
// as if the packets had come through the engine. Used by the engine's state; what may have a flow is decided by
// offload.hpp.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "ipvs/engine/connection_table.hpp"
#include "ipvs/engine/fast_flows.hpp"
#include "ipvs/engine/services.hpp"

namespace lvsd::ipvs::engine {

class FastConnections {
 public:
  FastConnections(Services& services, ConnectionTable& connections) : services_{services}, connections_{connections} {}

  // Once, before the first packet. Takes up the flows of connections that are still there, with what was counted for
  // them meanwhile, and takes away all others. `seed` is for new memory.
  void use(const FastMemory& memory, std::uint64_t seed);

  bool has_memory() const { return flows_.capacity() != 0; }

  // One direction of `c`, which has none there yet.
  void add(Connection& c, const fast_flow& flow);
  void remove(std::uint32_t number);
  void forget(Connection& c);  // both directions
  // Brings `c` and its server's statistics up to date.
  void collect(Connection& c);
  bool collect(std::uint32_t number);  // of one flow; false: nothing was counted since the last time
  void collect_all();

  // See FastFlows; a server's slot is not given away before.
  bool begin_grace() { return flows_.begin_grace(); }
  void end_grace();

  // Null: nobody's.
  Connection* owner(std::uint32_t number);
  const FastFlows& flows() const { return flows_; }
  std::uint64_t packets() const { return packets_; }

 private:
  struct Owner {
    std::uint32_t connection = 0;  // number + 1; 0: it has ended, or the flow was removed
    std::uint32_t slot = kNoSlot;
  };
  void take(Connection& c, std::uint32_t number);
  std::uint32_t& number_of(const Connection& c, std::uint8_t direction) {
    return numbers_[connections_.number(c)][direction];
  }

  Services& services_;
  ConnectionTable& connections_;
  FastFlows flows_;
  std::vector<Owner> owners_;                          // by flow
  std::vector<std::array<std::uint32_t, 2>> numbers_;  // by connection and direction
  std::uint64_t packets_ = 0;
};

constexpr std::uint16_t fast_flag(std::uint8_t direction) {
  return direction == FAST_INBOUND ? Connection::kFastInbound : Connection::kFastReply;
}

}  // namespace lvsd::ipvs::engine

// Everything one Core knows, and the life of a connection within it: begun, moved from state to state, ended, always
// together with its server's counts and, with NAT, with the flow that lets its replies come up. Used by the forwarder
// and the core.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "ipvs/engine/connection_table.hpp"
#include "ipvs/engine/core.hpp"
#include "ipvs/engine/fragments.hpp"
#include "ipvs/engine/next_hops.hpp"
#include "ipvs/engine/services.hpp"
#include "ipvs/engine/table_memory.hpp"
#include "ipvs/engine/tcp_state.hpp"

namespace lvsd::ipvs::engine {

// Milliseconds of the monotonic clock modulo 2^32: enough for idle times up to 24 days.
inline std::uint32_t stamp(base::TimePoint now) {
  return static_cast<std::uint32_t>(base::milliseconds(now.time_since_epoch()));
}
inline std::int32_t idle_milliseconds(const Connection& c, std::uint32_t now) {
  return static_cast<std::int32_t>(now - c.last_seen);
}

class EngineState {
 public:
  EngineState(std::span<std::byte> bytes, std::uint32_t max_connections, std::uint64_t seed);

  // `connection` is complete but for its addresses. Null when the table is full.
  Connection* begin(const Connection& connection, const Ends& ends) noexcept;
  void enter(Connection& connection, State state) noexcept;
  void end(Connection& connection) noexcept;
  bool is_expired(const Connection& c, std::uint32_t now) const {
    return idle_milliseconds(c, now) >= limits.of(c.state);
  }

  // A connection that is idle so long and has had no reply never got one: TCP clients repeat their SYN after 1, 3 and 7
  // seconds.
  static constexpr std::int32_t kUnansweredAfter = 3000;  // milliseconds

  // Ends idle connections among the next `budget` entries, and counts those that their server never answered.
  void expire(std::uint32_t now, std::size_t budget) noexcept;

  TableMemory memory;
  Services services;
  ConnectionTable connections;
  NextHops next_hops;
  IdleLimits limits;
  std::array<std::uint64_t, kDropReasons> drops{};
  std::vector<FlowChange> flow_changes;
  Fragments fragments;
  std::vector<ExtraFrame> extra_frames;

 private:
  void note_unanswered(Connection& c, std::uint32_t now) noexcept;

  std::uint32_t expire_next_ = 0;
};

// How the replies of a connection under NAT look.
FlowKey flow_key(const Connection& connection, const Ends& ends);

}  // namespace lvsd::ipvs::engine

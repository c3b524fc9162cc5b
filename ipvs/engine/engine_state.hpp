// Everything one Core knows, and the life of a connection within it: begun, moved from state to state, ended, always
// together with its server's counts and, with NAT, with the flow that lets its replies come up. Used by the forwarder
// and the core.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "ipvs/engine/change_log.hpp"
#include "ipvs/engine/connection_table.hpp"
#include "ipvs/engine/core.hpp"
#include "ipvs/engine/division.hpp"
#include "ipvs/engine/expectations.hpp"
#include "ipvs/engine/fast_connections.hpp"
#include "ipvs/engine/fragments.hpp"
#include "ipvs/engine/next_hops.hpp"
#include "ipvs/engine/services.hpp"
#include "ipvs/engine/table_memory.hpp"

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

  // `connection` is complete but for its addresses: a connection, a persistence template, or an entry for the replies
  // to single packets (Connection::kTemplate, kOnePacket). Null when the table is full; make_room() prevents that.
  // Of a peer: it is not counted as one that came here.
  enum class Origin : std::uint8_t { Client, Peer };
  Connection* begin(const Connection& connection, const Ends& ends, Origin origin = Origin::Client) noexcept;
  void enter(Connection& connection, State state) noexcept;
  void end(Connection& connection) noexcept;
  // Its server is another one from now on; of a template.
  void move(Connection& persistence, std::uint32_t slot) noexcept;
  // Both sides were heard: the client is real, and its persistence worth keeping.
  void assure(const Connection& connection) noexcept;

  // Before a new connection of `service` begins, or (`counts` is false) an entry that is no connection: keeps to the
  // service's limit, to that of half-open connections, and to the table's size, by ending connections whose handshake
  // was never finished, the oldest first, and in a full table those that are closed or were never answered. None: there
  // is room. What was ended is counted under HalfOpen or Idle.
  DropReason make_room(LiveService& service, std::uint8_t protocol, bool counts) noexcept;

  // Not of templates. What controls others stays as long as they do.
  bool is_expired(const Connection& c) const { return is_expired(c, now); }
  bool is_expired(const Connection& c, std::uint32_t at) const {
    return idle_milliseconds(c, at) >= limits.of(c.state) && c.controlled == 0;
  }

  // A connection that is idle so long and has had no reply never got one: TCP clients repeat their SYN after 1, 3 and 7
  // seconds.
  static constexpr std::int32_t kUnansweredAfter = 3000;  // milliseconds

  // What the fast path has seen of it counts: to be asked before it is judged by its age.
  void refresh(Connection& c) noexcept {
    if (c.is_fast()) fast.collect(c);
  }

  // Ends idle connections among the next `budget` entries, and counts those that their server never answered.
  void expire(std::uint32_t stamp, std::size_t budget) noexcept;

  std::uint32_t now = 0;  // stamp of the latest batch or expiry
  // Of what the packet is addressed to: an address of a virtual server of any worker.
  bool is_virtual(const WireAddress& address) const noexcept {
    return services.is_virtual(address) || (division.several() && division.is_virtual(address));
  }

  Division division;
  TableMemory memory;
  Services services;
  ConnectionTable connections;
  FastConnections fast;
  NextHops next_hops;
  IdleLimits limits;
  ConnectionPolicy policy;
  std::array<std::uint64_t, kDropReasons> drops{};
  std::vector<FlowChange> flow_changes;
  Fragments fragments;
  Expectations expectations;
  ChangeLog changes;
  // From which fullnat asks, or asked while this process runs: a reply to one of them names no client.
  boost::unordered_flat_set<WireAddress, AddressHash> local_addresses;
  std::vector<ExtraFrame> extra_frames;

 private:
  void adopt() noexcept;
  void forget_replies(const Connection& connection, const Ends& ends) noexcept;
  void visit(Connection& c) noexcept;
  void end_of_round() noexcept;
  void note_unanswered(Connection& c) noexcept;
  void note_change(const Connection& c) noexcept { changes.mark(connections.number(c), is_half_open(c.state)); }
  void note_stale(const Connection& c, std::int64_t limit) noexcept;
  void start_half_open(Connection& c) noexcept;
  void stop_half_open(Connection& c) noexcept;
  bool evict_oldest(LiveService* service) noexcept;
  bool evict_idle() noexcept;
  void evict(Connection& c, DropReason counter) noexcept;
  std::uint32_t most_half_open() const noexcept;

  std::uint32_t expire_next_ = 0;
  std::uint32_t evict_next_ = 0;
  std::uint32_t half_open_ = 0;
};

// How the replies of a connection under NAT look.
FlowKey flow_key(const Connection& connection, const Ends& ends);

}  // namespace lvsd::ipvs::engine

// What goes into the fast path: the engine's decision about a connection, written down as a flow when a packet of an
// established connection has just left the usual way, and taken away when the decision would be another one now. Used
// by the forwarder.
#pragma once

#include <cstdint>
#include <optional>

#include "ipvs/engine/engine_state.hpp"
#include "ipvs/engine/next_hops.hpp"
#include "ipvs/engine/used_next_hops.hpp"

namespace lvsd::ipvs::engine {

class Offload {
 public:
  explicit Offload(EngineState& state) : state_{state} {}

  // A packet of `c` has left by `hop` as all that follow in this direction (enum fast_direction) will.
  void consider(Connection& c, std::uint8_t direction, const NextHop& hop) noexcept {
    if (!enabled_ || !state_.fast.has_memory() || (c.flags & fast_flag(direction)) != 0) return;
    if (is_worth_it(c) && may_pass(c)) write_down(c, direction, hop);
  }

  // Off: what is there is taken away, within the next rounds.
  void enable(bool on);
  // The table or the policy has changed: decisions may be others.
  void check_again() { to_check_ = end_of_check(); }

  // Collects what was counted and looks through flows, `budget` at most: those of idle connections make room; after a
  // change, those whose decision is another one now go. Marks the next hops that were sent to.
  void keep(std::size_t budget, UsedNextHops& used) noexcept;

 private:
  bool is_worth_it(const Connection& c) const noexcept;
  bool may_pass(const Connection& c) const noexcept;
  bool is_right(const Connection& c, const fast_flow& flow) const noexcept;
  NextHop way_of(const Connection& c, std::uint8_t direction) const noexcept;
  void write_down(Connection& c, std::uint8_t direction, const NextHop& hop) noexcept;
  void visit(std::uint32_t number, UsedNextHops& used) noexcept;
  std::uint32_t end_of_check() const { return state_.fast.flows().end(); }

  EngineState& state_;
  bool enabled_ = true;
  std::uint32_t next_ = 1;        // of the round of flows
  std::uint32_t to_check_ = 0;    // so many visits from now on compare the decision
  std::uint64_t generation_ = 0;  // of the next hops when that began
};

// The flow of one direction of a connection under nat, fullnat or dr.
fast_flow make_flow(const Connection& c, const Ends& ends, std::uint8_t direction, const NextHop& hop);

}  // namespace lvsd::ipvs::engine

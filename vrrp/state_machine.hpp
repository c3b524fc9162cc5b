// One virtual router as a value: RFC 9568 §6.4 as a total function of state, event and time. Pure; the instance
// executes the actions and calls again with TimerExpired when `State::deadline` has come.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/address.hpp"
#include "base/time.hpp"
#include "vrrp/flaps.hpp"
#include "vrrp/messages.hpp"
#include "vrrp/timers.hpp"

namespace lvsd::vrrp {

// What the configuration and the interface say at this moment.
struct Params {
  std::uint8_t priority = 100;  // 1..255
  base::Duration advert_interval{std::chrono::seconds{1}};
  bool preempt = true;
  base::IpAddress own_address{};  // settles a tie
  std::uint8_t version = 3;
  base::Duration preempt_delay{};   // a living master of lower priority is left alone for so long
  base::Duration startup_delay{};   // no mastership for so long after the start
  base::Duration flap_hold_down{};  // the longest pause that losing one's role again and again earns; 0: none
};

struct State {
  Role role = Role::init;
  std::optional<base::TimePoint> deadline{};  // Active_Down_Timer or Adver_Timer; empty in init and fault
  base::TimePoint armed_at{};                 // backup: when the master down timer was last set
  std::optional<base::Duration>
      master_interval{};                      // backup: what the master advertises; empty: not heard yet, as our own
  std::optional<base::IpAddress> master{};    // backup: whom it follows; empty: nobody yet
  std::optional<base::IpAddress> resigned{};  // backup: a master that resigned
  base::TimePoint last_sent{};                // master: our last advertisement
  base::TimePoint last_answered{};            // master: our last advertisement out of turn
  unsigned announce_ticks = 0;                // master: adverts for which a past double master still matters
  std::optional<base::TimePoint> rival{};     // master: when a lesser one was last heard
  base::TimePoint repaired{};                 // master: when we last announced because of one
  std::optional<Role> leaving_for{};          // master: has resigned, and holds the addresses for its successor
  std::string leaving_because{};
  std::optional<base::TimePoint> not_before{};    // the startup delay's end: no mastership before it
  std::optional<base::TimePoint> preempt_from{};  // backup: when a lesser master that was heard may be deposed
  bool ceded = false;  // gave the mastership away by command: preempts nobody until it was master or in fault
  Flaps flaps{};       // how restless it was

  friend bool operator==(const State&, const State&) = default;
};

struct Startup {};  // the room starts, or the interface has become usable
struct Resumed {};  // the room was restarted while it was master, too short ago for a peer to have noticed
struct Heard {      // an accepted advertisement
  base::IpAddress source;
  std::uint8_t priority = 0;
  base::Duration interval{};
};
struct TimerExpired {};
struct Reconfigured {};  // Params differ from the last call
struct Stalled {
  base::Duration gap{};
};  // we did not run for longer than our peers wait
struct Lost {
  std::string why;
};  // the interface is missing, down or without an address
struct Shutdown {};
struct Barred {  // not to be master, although the interface is usable: a track, or another member of the sync group
  std::string why;
};
struct Yield {  // another member of the sync group found a better master
  std::string why;
};
struct Cede {  // an operator wants another router to be master, if there is one
  std::string why;
};
using Event =
    std::variant<Startup, Resumed, Heard, TimerExpired, Reconfigured, Stalled, Lost, Shutdown, Barred, Yield, Cede>;

struct SendAdvert {
  std::uint8_t priority = 0;
  std::optional<base::Duration> interval{};  // empty: ours
  friend bool operator==(const SendAdvert&, const SendAdvert&) = default;
};
struct TakeAddresses {
  friend bool operator==(const TakeAddresses&, const TakeAddresses&) = default;
};
struct DropAddresses {
  friend bool operator==(const DropAddresses&, const DropAddresses&) = default;
};
struct Silence {
  friend bool operator==(const Silence&, const Silence&) = default;
};  // no announcement any more, though the addresses stay
struct Announce {
  friend bool operator==(const Announce&, const Announce&) = default;
};  // a whole burst
struct AnnounceOnce {
  friend bool operator==(const AnnounceOnce&, const AnnounceOnce&) = default;
};  // one round
using Action = std::variant<SendAdvert, TakeAddresses, DropAddresses, Silence, Announce, AnnounceOnce>;

struct Step {
  State state;
  std::vector<Action> actions;  // in this order
};

Step step(const Params& params, const State& state, const Event& event, base::TimePoint now);

// The master down interval in force for a backup, or what it would be.
base::Duration master_down_interval(const Params& params, const State& state);

// What a backup or a fault waits for beside the protocol's own timers; empty when for nothing.
struct Pause {
  std::string why;  // "startup delay", "preempt delay", "flap hold-down"
  base::TimePoint until{};
};
std::optional<Pause> pause(const Params& params, const State& state, base::TimePoint now);

// Why `event` led from `before` to another role: for the log, the status and RoleChanged.
std::string reason(const Params& params, const State& before, const Event& event);

}  // namespace lvsd::vrrp

// What is told to which room, and when: the order of a start, of a reload and its withdrawal, of a room's return, and
// how a verdict reaches the forwarding. Pure: events and a time in, commands out; the control process carries them out
// in order.
//
// A configuration moves through the rooms healthcheck → ipvs → vrrp: forwarding is configured when its servers have
// verdicts, addresses are claimed when forwarding stands behind them.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "base/time.hpp"
#include "daemon/rooms.hpp"
#include "healthcheck/messages.hpp"
#include "ipvs/messages.hpp"
#include "vrrp/messages.hpp"

namespace lvsd::daemon {

// A validated configuration, as far as steering is concerned.
struct Revision {
  std::uint64_t generation = 0;   // from 1, rising
  std::set<std::string> targets;  // ids of healthcheck targets
  base::Duration sync_wait{};     // longest time that masters are left alone for the peers' connections; 0: none
};

// What an earlier control process left.
struct Past {
  std::optional<Revision> in_force;
  std::vector<healthcheck::Known::Target> verdicts;
  std::vector<vrrp::Resume::Instance> masters;
  ipvs::Overrides overrides = {};
  std::string maintenance = {};
};

struct SendConfigure {
  Room room{};
  std::uint64_t generation = 0;
};
struct SendKept {};  // to ipvs: the descriptors it asked to hold
using Send = std::variant<vrrp::Down, healthcheck::Down, ipvs::Down>;
struct InForce {
  std::uint64_t generation = 0;
};
// The candidate is withdrawn; what was in force is being put back. With nothing in force yet lvsd cannot start.
struct Withdrawn {
  std::uint64_t generation = 0;
  Room room{};
  std::string error;
};
struct Ready {};  // once: every room works, or patience is over

using Command = std::variant<SendConfigure, SendKept, Send, InForce, Withdrawn, Ready>;
using Commands = std::vector<Command>;

class Steering {
 public:
  // How long the first election waits for verdicts (reliability: never claim addresses before checks have a result).
  static constexpr base::Duration kFirstVerdicts{std::chrono::seconds{10}};
  // How long a reload holds back forwarding for verdicts on new targets, so that none of its servers falls out
  // meanwhile; and a first start, from when the checks are under way, for the sake of a table that is there already.
  static constexpr base::Duration kReloadVerdicts{std::chrono::seconds{3}};
  static constexpr base::Duration kReloadPatience{std::chrono::seconds{10}};  // for all rooms' answers
  // Then living masters are preempted although some own check has no result: it may never have one.
  static constexpr base::Duration kProvenAnyway{std::chrono::seconds{60}};
  static constexpr base::Duration kReadyPatience{std::chrono::seconds{20}};  // then Ready although a room does not work
  static constexpr base::Duration kRetry{std::chrono::seconds{5}};  // of a configuration in force that a room refused

  Steering(Past past, base::TimePoint now);

  // A candidate replaces an unfinished one.
  Commands propose(Revision candidate, base::TimePoint now);
  Commands room_started(Room room, base::TimePoint now);
  Commands room_gone(Room room);
  Commands room_configured(Room room, const base::Configured& answer, base::TimePoint now);
  Commands health_changed(const healthcheck::HealthChanged& change, base::TimePoint now);
  Commands overrides_now(ipvs::Overrides overrides);
  Commands maintenance_now(std::string why);                           // empty: none
  Commands quorums_now(std::vector<vrrp::Conditions::Track> results);  // of all tracks of this type
  Commands masters_now(std::vector<vrrp::Resume::Instance> masters);
  Commands in_step_now(bool in_step, base::TimePoint now);  // the peers' connections are all here
  Commands tick(base::TimePoint now);

  std::uint64_t in_force() const { return in_force_ ? in_force_->generation : 0; }  // 0: none yet
  bool has_candidate() const { return candidate_.has_value(); }
  bool works(Room room) const;  // has the configuration in force
  // What healthcheck said last of this target; null: nothing.
  const healthcheck::HealthChanged* finding(const std::string& target) const {
    const auto found = findings_.find(target);
    return found == findings_.end() ? nullptr : &found->second;
  }
  const std::string& refusal(Room room) const { return rooms_[room].refusal; }
  healthcheck::Known verdicts() const;
  ipvs::Health complete_health() const;
  const std::vector<vrrp::Resume::Instance>& masters() const { return masters_; }
  vrrp::Conditions conditions() const;  // that elections depend on

 private:
  struct State {
    bool running = false;
    std::uint64_t sent = 0;        // generation of the last Configure of this incarnation
    std::uint64_t configured = 0;  // generation that it answered for without error
    base::TimePoint sent_at{};
    base::TimePoint configured_at{};
    std::string refusal;  // of the generation in force
  };

  Commands advance(base::TimePoint now);
  std::uint64_t goal(Room room, base::TimePoint now) const;
  bool verdicts_complete(const Revision& revision) const;
  void send_configure(Room room, std::uint64_t generation, base::TimePoint now, Commands& out);
  void settle(base::TimePoint now, Commands& out);
  bool candidate_accepted() const;
  void withdraw(Room room, std::string error, Commands& out);
  void forget_other_verdicts();
  void tell_conditions(Commands& out);
  ipvs::Mastership mastership() const;

  std::optional<Revision> in_force_;
  std::optional<Revision> candidate_;
  base::TimePoint started_;
  base::TimePoint proposed_at_{};
  PerRoom<State> rooms_;
  std::map<std::string, healthcheck::HealthChanged> findings_;  // by target, the last one
  std::vector<vrrp::Resume::Instance> masters_;
  ipvs::Overrides overrides_;
  std::vector<vrrp::Conditions::Track> quorums_;
  std::string maintenance_;
  bool proven_ = false;  // our own checks had first results once
  bool in_step_ = false;
  bool lacks_connections_ = false;  // and is to wait for them still
  base::TimePoint out_of_step_since_;
  std::optional<vrrp::Conditions> told_;  // to this incarnation of vrrp
  bool released_ = false;                 // vrrp may take part in elections
  bool ready_ = false;
};

}  // namespace lvsd::daemon

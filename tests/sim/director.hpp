// One director: the production state machines of its virtual routers (one sync group when there are several), and a
// model of what surrounds them: the kernel's address leases, the supervisor's memory, tracks, links, pauses. The
// sequence of each handler is that of vrrp/instance.cpp and vrrp/room.cpp; what they decide is their code.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "tests/sim/stage.hpp"
#include "vrrp/announce.hpp"
#include "vrrp/circumstances.hpp"
#include "vrrp/config.hpp"
#include "vrrp/link_table.hpp"
#include "vrrp/sync_group.hpp"
#include "vrrp/tracks.hpp"

namespace lvsd::sim {

// The part of a configuration that a run varies; the same for all routers of a director.
struct Settings {
  std::uint8_t priority = 100;
  base::Duration interval{};
  bool preempt = true;
  base::Duration preempt_delay{};
  base::Duration startup_delay{};
  base::Duration flap_hold_down{};
  int track_weight = -60;
  unsigned garp_count = 5;
  base::Duration garp_repeat_delay{std::chrono::seconds{5}};
  base::Duration garp_refresh{std::chrono::seconds{60}};
};

enum class Pause {
  none,
  stalled,  // the process is stopped; the kernel goes on
  asleep,   // the machine sleeps: the monotonic clock stands still, the boot clock does not
  frozen,   // its hypervisor holds it: no clock of its own can tell
};

class Director {
 public:
  Director(Stage& stage, int number, int routers, const Settings& settings, HostClock clock);

  // Life. A start is one of the process; the supervisor's memory is what its predecessor's messages said.
  void start();
  void crash(bool with_supervisor);
  void power_off();
  void stop();  // graceful: resigns, and ends when a successor has been heard
  void pause(Pause kind);
  void go_on();

  void reconfigure(const Settings& settings);
  void set_link(int router, bool up);
  void set_uplink(bool up);    // a track with a weight
  void set_required(bool up);  // a track without one
  // What the supervisor tells: a track that is observed elsewhere, with a weight; whether its own checks have results;
  // maintenance.
  void set_neighbour(bool answers);
  void set_proven(bool proven);
  void set_maintenance(bool on);
  void cede();  // by command

  void handle(const Happening& happening);

  bool running() const { return running_; }  // the process exists
  bool stopping() const { return stopping_; }
  Pause paused() const { return pause_; }
  bool acts() const { return running_ && pause_ == Pause::none; }
  bool has_trouble() const;  // something keeps it from being master
  bool usable() const;       // acts, and nothing does

  const Settings& settings() const { return settings_; }
  const vrrp::State& state(int router) const { return members_[static_cast<std::size_t>(router)].state; }
  std::uint8_t priority() const { return members_.front().params.priority; }
  bool is_active(int router) const;   // acts, is master, and has not resigned
  bool is_leaving(int router) const;  // acts, has resigned, and holds the address for its successor
  bool holds(int router) const { return kernel_[static_cast<std::size_t>(router)].present; }
  std::chrono::seconds lease(int router) const { return kernel_[static_cast<std::size_t>(router)].lease; }
  bool answers(int router) const;  // others on the LAN get an answer for the address
  bool link_up(int router) const;
  bool may_preempt(int router) const;      // by configuration, command and checks; the delays aside
  bool starts_late(int router) const;      // its startup delay is not over
  base::Duration quiet(int router) const;  // how long it must have been quiet before it deposes a living master
  base::Duration since_loss(int router) const;
  bool resignation_waits() const;  // in what came in during a pause

 private:
  struct KernelAddress {
    bool present = false;
    std::chrono::seconds lease{};
    Instant refreshed = 0;
    Instant ends = 0;
    Instant watched_for = kNever;  // the next lease_end that is scheduled
  };
  struct Router {
    vrrp::AnnounceSchedule announcements;
    std::optional<base::TimePoint> announce_at;
    base::Duration last_sent_boottime{};
    std::uint8_t adopted_priority = 0;
  };
  struct Memory {
    bool known = false;
    base::Duration last_advert_boottime{};
  };

  base::TimePoint local() const { return clock_.monotonic(stage_.now); }
  void tell(int router, const std::string& words) const;
  vrrp::Sight sight() const { return {links_, conditions_.tracks}; }
  void update_params(vrrp::Member& member) const;
  void conditions_changed();
  vrrp::Circumstances circumstances(std::size_t at) const;
  std::string why_not_master(std::size_t at) const;
  bool may_resume(std::size_t at) const;

  void dispatch(const Happening& happening);
  void receive(const Happening& advert);
  void drain();
  void on_protocol_timer(std::size_t at);
  void fence_after_stall(std::size_t at);
  void links_changed();
  void link_changed(std::size_t at);
  void apply(std::size_t at, const vrrp::Event& event);
  void decide(std::size_t at, const vrrp::Event& event);
  void carry_out(std::size_t at, vrrp::MemberStep step);
  void perform(std::size_t at, const std::vector<vrrp::Action>& actions);
  void announce(std::size_t at);
  void settle();

  void arm_protocol_timer(std::size_t at);
  void arm_announce_timer(std::size_t at);
  void hold_address(std::size_t at);
  void drop_address(std::size_t at);
  void watch_lease(std::size_t at);
  void lease_end(std::size_t at);
  void tell_supervisor();
  void schedule_masters(base::Duration after);
  void rearm();

  Stage& stage_;
  int number_;
  Settings settings_;
  HostClock clock_;
  vrrp::LinkTable links_;
  std::array<bool, kMaxRouters> lan_up_{true, true, true};  // as in links_, for the judge's many questions
  bool required_up_ = true;
  vrrp::Conditions conditions_{true, {}, {{"neighbour", false, "answers"}}, {}};
  std::vector<vrrp::TrackConfig> tracks_;
  std::vector<vrrp::Member> members_;
  std::vector<Router> routers_;
  std::vector<KernelAddress> kernel_;
  std::vector<Memory> memory_;    // the supervisor's
  std::vector<Happening> inbox_;  // what came in during a pause, oldest first
  std::vector<Happening> due_;    // timers that expired during it
  bool running_ = false;
  bool stopping_ = false;
  bool settle_due_ = false;
  bool links_due_ = false;
  bool dozing_ = false;  // awake again, but nothing has made the process run yet
  Pause pause_ = Pause::none;
  Instant paused_at_ = 0;
  std::uint32_t incarnation_ = 0;
};

}  // namespace lvsd::sim

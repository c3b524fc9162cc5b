// The invariants of a run. Each says what must hold, and in which circumstances: most need a calm LAN, which is one
// where every usable director hears every other one and the client hears all, without loss, and nothing has been done
// to any of them since. `Calm` bounds are counted from its beginning.
//
//   I1  In calm, two active directors (master, not resigned) of one virtual router exist for one link delay at most;
//   for
//       one interval and a delay where the calm began with two.
//   I2  In calm with a usable director, a virtual router without an active one gets it within the master down interval,
//       or when a startup delay is over, but not before.
//       A graceful stop in calm leaves no moment in which nobody answers for the address (make before break).
//   I3  In calm the client's last word comes from the active director: one delay and a burst after a takeover, three
//       intervals after a double one, the refresh otherwise. The best of the backups takes over, and no usable director
//       that may preempt outranks the active one for longer than two master down intervals.
//   I4  What decode() refuses changes no state; what it accepts is what was sent.
//   I5  After two master down intervals of calm, and what may be waited for beside them, no role changes any more. A
//       living master is not deposed within a preempt delay, nor by a director that must be quiet after it has flapped;
//       who flaps does not leave fault before that has held off.
//   I6  Rounds of announcements of one director are at least 20 ms apart.
//   I7  Only a master holds the address or announces it; one that has resigned holds it for the handover limit at most,
//       announces nothing, and in calm not beside an active one for longer than a delay.
//   I8  A director that does not run, or stands still, answers for the address until its lease ends and no longer. In
//       calm that is before another is active, but for what the kernel's unit of a second and its slack cost. After a
//       pause as long as its peers' patience it says nothing before it has listened for an interval.
//
// Bounds contain the clocks' drift and the lateness of handlers.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "tests/sim/director.hpp"

namespace lvsd::sim {

struct Breach {
  std::string what;  // "I1: …"
  Instant at = 0;
};

// What a fault means for those that compare before and after.
enum class Fault { other, master_silenced, master_stops };

class Judge : public Onlooker {
 public:
  Judge(const Stage& stage, const std::vector<Director>& directors, int routers, std::int64_t drift_ppm,
        Instant calm_delay);

  // Before anything happens at stage.now: was all that lasted until now allowed to?
  void before();
  // After it has happened.
  void after();
  // The environment is another one from now on. `silenced`: the director that the fault hit.
  // `settled`: settled() before it happened.
  void disturbed(Fault fault, int director, bool settled);
  void client_heard(int from, int router) { routers_[static_cast<std::size_t>(router)].client_believes = from; }
  // An active director has stood still for so long that it must have noticed; it goes on now.
  void must_listen(int director);
  void advertised(int from, int router, std::uint8_t priority) override;
  void announced(int from, int router) override;

  // Calm for so long that nothing may change any more.
  bool settled() const;

  const std::optional<Breach>& breach() const { return breach_; }
  std::uint64_t failovers() const { return failovers_; }
  Instant settling_time() const;

 private:
  // Something that may last for `bound`, from when it was first seen.
  struct Watch {
    Instant since = kNever;
    Instant bound = 0;
    const char* name = "";
  };
  struct Router {
    unsigned active = 0;  // bits
    int owner = -1;       // the last that was the only active one
    Instant active_since = 0;
    std::array<Instant, kMaxDirectors> active_from{};
    bool double_seen = false;  // in this calm
    bool wrong = false;        // who became active last is not the best of them
    int client_believes = -1;
    int silenced = -1;     // who was active, and was silenced in a settled calm
    bool race = false;     // for its succession
    bool guarded = false;  // it stops gracefully: somebody answers all the time
    Watch none, two, stale, outranked, unanswered, beside_the_silenced;
    std::array<bool, kMaxDirectors> resigned{};
    std::array<Instant, kMaxDirectors> handover_limit{};  // of its last resignation
    std::array<Watch, kMaxDirectors> leaving, beside_the_leaving, left_behind;
  };

  void fail(const std::string& what);
  void follow(Watch& watch, bool condition, Instant bound, const char* name);
  void measure();
  void look_at_roles(int number);
  void look(int number);
  void look_at_the_client(int number);
  void look_at_addresses(int number);
  void took_over(int number, int director);
  Instant conflict_bound(Instant since, bool wrong) const;
  bool is_needless(int number, int director);
  Instant with_drift(Instant duration) const { return duration + duration / 500'000 * drift_ppm_ + kSlack; }
  Instant longest_handover() const;
  Instant down() const;  // the longest master down interval, with delays
  Instant pauses() const;
  Instant late_start() const;
  void must_be_quiet(int number, int director);
  Instant delay() const { return stage_.wires.most_delay + stage_.most_lateness; }
  int director_count() const { return static_cast<int>(directors_.size()); }

  static constexpr Instant kSlack = 20'000;  // rounding of clocks

  const Stage& stage_;
  const std::vector<Director>& directors_;
  int router_count_;
  std::int64_t drift_ppm_;
  Instant calm_delay_;
  std::array<Router, kMaxRouters> routers_{};
  unsigned usable_ = 0;  // bits
  bool calm_ = false;
  Instant since_ = 0;     // of the calm
  Instant interval_ = 0;  // the longest in force
  std::uint8_t least_priority_ = 1;
  std::array<std::array<vrrp::Role, kMaxRouters>, kMaxDirectors> roles_{};
  std::array<std::array<Instant, kMaxRouters>, kMaxDirectors> announced_{};
  std::array<std::array<Instant, kMaxRouters>, kMaxDirectors> backup_since_{};
  std::array<Instant, kMaxDirectors> mute_until_{};
  std::array<Instant, kMaxDirectors> troubled_{};        // when it last ran and something kept it from being master
  std::array<base::Duration, kMaxDirectors> held_by_{};  // its interval at that time
  Instant last_resignation_ = -kNever / 2;
  std::optional<Breach> breach_;
  std::uint64_t failovers_ = 0;
};

}  // namespace lvsd::sim

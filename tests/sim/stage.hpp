// What happens when, and the wires between the directors: one LAN per virtual router, with a client on each that
// believes the last announcement it heard. Loss, delay, one-way cuts. Used by the directors, moved by the world.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tests/sim/choice.hpp"
#include "tests/sim/clock.hpp"

namespace lvsd::sim {

inline constexpr int kMaxDirectors = 4;
inline constexpr int kMaxRouters = 3;
inline constexpr int kClient = kMaxDirectors;  // the client's place on a LAN

enum class Kind : std::uint8_t { protocol_timer, announce_timer, advert, frame, lease_end, masters, fault };

struct Happening {
  Instant at = 0;
  std::uint64_t order = 0;  // of those at one time
  Kind kind{};
  std::int8_t director = 0;  // whom it concerns
  std::int8_t router = 0;
  std::int8_t from = 0;           // advert, frame: who sent it
  std::uint8_t priority = 0;      // advert
  std::uint32_t incarnation = 0;  // timers: of the process that set it
  std::int64_t value = 0;         // advert: interval in ns; timers: the local time they were set to
};

struct Wires {
  Instant least_delay = 0;
  Instant most_delay = 0;
  std::array<unsigned, kMaxRouters> loss_percent{};
  unsigned twice_percent = 0;                                        // delivered twice
  bool cut[kMaxRouters][kMaxDirectors + 1][kMaxDirectors + 1] = {};  // [from][to]

  void heal() {
    loss_percent = {};
    for (auto& lan : cut) {
      for (auto& from : lan) {
        for (bool& to : from) to = false;
      }
    }
  }
};

// Sees what is put on the wire.
class Onlooker {
 public:
  virtual ~Onlooker() = default;
  virtual void advertised(int from, int router, std::uint8_t priority) = 0;
  virtual void announced(int from, int router) = 0;
};

class Stage {
 public:
  Stage(Choice& chance, int directors) : choice{chance}, directors_{directors} {}

  void schedule(Happening happening);
  bool empty() const { return queue_.empty(); }
  Happening pop();

  // To every other director on the LAN.
  void advertise(int from, int router, std::uint8_t priority, base::Duration interval);
  // One round of announcements, to the client.
  void announce(int from, int router);

  void tell(const std::function<std::string()>& words) const {
    if (story) story(now, words());
  }

  Choice& choice;
  Instant now = 0;
  Wires wires;
  Onlooker* onlooker = nullptr;
  Instant most_lateness = 0;  // how long after its time a timer's handler runs
  std::function<void(Instant, const std::string&)> story;

 private:
  bool arrives(int from, int to, int router);
  // A wire keeps the order of what one director sends to another.
  Instant arrival(int from, int to, int router);

  int directors_;
  std::uint64_t order_ = 0;
  std::array<Instant, kMaxRouters * kMaxDirectors*(kMaxDirectors + 1)> last_arrival_{};
  std::vector<Happening> queue_;  // a heap, the next one first
};

}  // namespace lvsd::sim

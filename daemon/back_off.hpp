// How long to wait before a room that died is started again. Pure; one per room, used by RoomProcess.
#pragma once

#include "base/time.hpp"

namespace lvsd::daemon {

class BackOff {
 public:
  static constexpr base::Duration kFirst{std::chrono::milliseconds{100}};
  static constexpr base::Duration kMost{std::chrono::seconds{5}};
  static constexpr base::Duration kHealthyLife{std::chrono::seconds{10}};  // a life this long clears the record

  // The first death is answered at once, the next ones after 100 ms, 200 ms … 5 s.
  base::Duration after_death(base::Duration lived);

  // Deaths in a row, none of which followed a healthy life.
  unsigned deaths() const { return deaths_; }

 private:
  unsigned deaths_ = 0;
};

}  // namespace lvsd::daemon

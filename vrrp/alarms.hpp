// What is wrong around an instance though it does its part: another router, another owner of its addresses, a peer that
// is configured otherwise. Remembered for people; no protocol decision depends on it. Pure; part of the instance's
// record.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "vrrp/messages.hpp"

namespace lvsd::vrrp {

class Alarms {
 public:
  static constexpr base::Duration kLife = std::chrono::minutes{2};             // shown so long after it was last true
  static constexpr base::Duration kWarningInterval = std::chrono::minutes{1};  // one line each

  // True when it is worth a line in the log.
  bool raise(AlarmKind kind, std::string text, base::TimePoint now, std::int64_t unix_ms);

  // Those of the last kLife.
  std::vector<Alarm> active(base::TimePoint now) const;

 private:
  struct Entry {
    Alarm alarm;
    base::TimePoint last;
    base::TimePoint told;
  };
  std::map<AlarmKind, Entry> entries_;
};

// A master that keeps hearing one of lower priority, which is told at once that it lost, is not heard by it.
class RivalWatch {
 public:
  // A lesser master's advertisement came while we are master. True when it has gone on for so long that it cannot have
  // heard our answers.
  bool heard_lesser(base::TimePoint now, base::Duration interval);

 private:
  std::optional<base::TimePoint> since_;
  base::TimePoint last_{};
};

}  // namespace lvsd::vrrp

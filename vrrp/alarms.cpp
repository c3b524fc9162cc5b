#include "vrrp/alarms.hpp"

#include <utility>

namespace lvsd::vrrp {

bool Alarms::raise(AlarmKind kind, std::string text, base::TimePoint now, std::int64_t unix_ms) {
  const auto [it, is_new] = entries_.try_emplace(kind);
  Entry& entry = it->second;
  if (is_new || now - entry.last > kLife) entry.alarm.since_unix_ms = unix_ms;
  const bool worth_a_line = is_new || now - entry.told >= kWarningInterval;
  if (worth_a_line) entry.told = now;
  entry.last = now;
  entry.alarm.kind = kind;
  entry.alarm.text = std::move(text);
  entry.alarm.last_unix_ms = unix_ms;
  ++entry.alarm.count;
  return worth_a_line;
}

std::vector<Alarm> Alarms::active(base::TimePoint now) const {
  std::vector<Alarm> result;
  for (const auto& [kind, entry] : entries_) {
    if (now - entry.last <= kLife) result.push_back(entry.alarm);
  }
  return result;
}

bool RivalWatch::heard_lesser(base::TimePoint now, base::Duration interval) {
  constexpr int kLost = 3;     // intervals of silence end it
  constexpr int kLasting = 2;  // intervals prove it
  if (!since_ || now - last_ > kLost * interval) since_ = now;
  last_ = now;
  return now - *since_ >= kLasting * interval;
}

}  // namespace lvsd::vrrp

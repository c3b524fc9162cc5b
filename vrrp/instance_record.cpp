#include "vrrp/instance_record.hpp"

#include <utility>

namespace lvsd::vrrp {

void InstanceRecord::transition(Transition transition) {
  ++transitions_;
  history_.insert(history_.begin(), std::move(transition));
  if (history_.size() > kHistory) history_.resize(kHistory);
}

bool InstanceRecord::worth_a_line(const std::string& subject, base::TimePoint now) {
  const auto [it, is_new] = warned_.try_emplace(subject, now);
  if (!is_new && now - it->second < kWarningInterval) return false;
  it->second = now;
  return true;
}

void InstanceRecord::describe(InstanceStatus& status, base::TimePoint now) const {
  status.adverts_sent = adverts_sent;
  status.adverts_received = adverts_received;
  status.gratuitous_arps_sent = gratuitous_arps_sent;
  status.addresses_restored = addresses_restored;
  status.last_advert_sent_boottime_ms = last_sent_boottime_ms;
  status.worst_lateness_us = std::chrono::duration_cast<std::chrono::microseconds>(worst_lateness).count();
  status.last_advert_age_ms = last_accepted ? base::milliseconds(now - *last_accepted) : -1;
  status.transitions = transitions_;
  status.history = history_;
  if (!history_.empty()) {
    status.since_unix_ms = history_.front().unix_ms;
    status.reason = history_.front().reason;
  }
  status.alarms = alarms.active(now);
  for (std::size_t i = 0; i < discards_.size(); ++i) {
    status.discarded.push_back({std::string{word(static_cast<DecodeError>(i))}, discards_[i]});
  }
}

}  // namespace lvsd::vrrp

// What an instance remembers for people: counters, the last transitions, and which repeated warnings are due. No
// protocol decision depends on it.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/time.hpp"
#include "vrrp/advertisement.hpp"
#include "vrrp/alarms.hpp"
#include "vrrp/messages.hpp"

namespace lvsd::vrrp {

class InstanceRecord {
 public:
  static constexpr std::size_t kHistory = 16;
  static constexpr base::Duration kWarningInterval = std::chrono::minutes{1};

  void transition(Transition transition);
  void discard(DecodeError error, unsigned packets) { discards_[static_cast<std::size_t>(error)] += packets; }

  // True once a minute for each subject, so that a repeated event is one line.
  bool worth_a_line(const std::string& subject, base::TimePoint now);

  // Fills the counters, the history and what follows from them.
  void describe(InstanceStatus& status, base::TimePoint now) const;

  std::uint64_t adverts_sent = 0;
  std::uint64_t adverts_received = 0;
  std::uint64_t gratuitous_arps_sent = 0;
  std::uint64_t addresses_restored = 0;
  std::int64_t last_sent_boottime_ms = 0;
  base::Duration worst_lateness{};
  base::TimePoint master_since{};
  std::optional<base::TimePoint> last_accepted;
  std::optional<base::IpAddress> master;  // last heard as master
  Alarms alarms;
  RivalWatch rivals;

 private:
  std::array<std::uint64_t, kDecodeErrors> discards_{};
  std::vector<Transition> history_;  // newest first
  std::uint64_t transitions_ = 0;
  std::map<std::string, base::TimePoint> warned_;
};

}  // namespace lvsd::vrrp

// What is known of one target: verdict, last result, history. Pure. Owned by monitor, shown by `lvsctl checks`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/time.hpp"
#include "healthcheck/config.hpp"
#include "healthcheck/dampener.hpp"
#include "healthcheck/messages.hpp"
#include "healthcheck/result.hpp"

namespace lvsd::healthcheck {

// The two clocks of one moment: one to measure with, one to show.
struct Moment {
  base::TimePoint now;
  std::int64_t unix_ms = 0;
};

class TargetState {
 public:
  static constexpr std::size_t kHistory = 32;  // results

  // `initial` is what an earlier incarnation knew.
  TargetState(const CheckConfig& check, Verdict initial, std::int64_t unix_ms, const Share& share = {});

  // The change of the verdict or of the share, if this result makes one. Local trouble is shown and counted, and
  // changes nothing else.
  std::optional<HealthChanged> observe(const std::string& id, const CheckResult& result, Moment at);

  // A reload: thresholds alone keep the row of results; another question is asked anew (see Dampener::ask_anew).
  void adopt(const CheckConfig& before, const CheckConfig& after);

  Verdict verdict() const { return dampener_.verdict(); }
  bool last_timed_out() const { return last_ && last_->reason == Reason::Timeout; }

  // From one check to the next, as things stand.
  base::Duration interval(const CheckConfig& check) const;

  // next_in_ms and late_starts are the schedule's and left to the caller.
  TargetStatus status(const Target& target, base::TimePoint now) const;

 private:
  void remember(char mark);

  Dampener dampener_;
  std::int64_t since_unix_ms_ = 0;
  std::optional<CheckResult> last_;
  base::TimePoint last_at_;
  std::string history_;
  std::string down_reason_;
  std::uint64_t passed_ = 0;
  std::uint64_t failed_ = 0;
  std::uint64_t not_checked_ = 0;
  std::int64_t certificate_expires_unix_ms_ = 0;
  Share share_;
};

// Whether a server gives both the same answer: everything but name, rhythm and thresholds.
bool same_question(const CheckConfig& a, const CheckConfig& b);

}  // namespace lvsd::healthcheck

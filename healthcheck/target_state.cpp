#include "healthcheck/target_state.hpp"

#include <utility>

#include <fmt/format.h>

#include "healthcheck/check_type.hpp"
#include "healthcheck/http_request.hpp"

namespace lvsd::healthcheck {
bool same_question(const CheckConfig& a, const CheckConfig& b) {
  CheckConfig other = b;
  other.name = a.name;
  other.interval = a.interval;
  other.timeout = a.timeout;
  other.rise = a.rise;
  other.fall = a.fall;
  other.down_interval = a.down_interval;
  other.fast_interval = a.fast_interval;
  other.start_delay = a.start_delay;
  other.tls_warn_days = a.tls_warn_days;
  return a == other;
}

TargetState::TargetState(const CheckConfig& check, Verdict initial, std::int64_t unix_ms, const Share& share)
    : dampener_{check.rise, check.fall, initial},
      since_unix_ms_{initial == Verdict::unknown ? 0 : unix_ms},
      share_{share} {
  if (initial == Verdict::down) down_reason_ = "down before the checks were restarted";
}

std::optional<HealthChanged> TargetState::observe(const std::string& id, const CheckResult& result, Moment at) {
  last_ = result;
  last_at_ = at.now;
  if (result.certificate_expires_unix_ms != 0) certificate_expires_unix_ms_ = result.certificate_expires_unix_ms;
  if (!result.is_about_server()) {
    ++not_checked_;
    remember('?');
    return std::nullopt;
  }
  ++(result.passed() ? passed_ : failed_);
  remember(result.passed() ? '+' : '-');
  const Share before = std::exchange(share_, changed(share_, result.share));
  const auto turn = dampener_.observe(result.passed());
  if (!turn) {
    if (share_ == before || dampener_.verdict() == Verdict::unknown) return std::nullopt;
    return HealthChanged{id, dampener_.verdict(), result.text, at.unix_ms, share_};
  }
  const std::string reason =
      fmt::format("{} ({} {})", result.text, ordinal(turn->results), result.passed() ? "success" : "failure");
  since_unix_ms_ = at.unix_ms;
  down_reason_ = turn->verdict == Verdict::down ? reason : "";
  return HealthChanged{id, turn->verdict, reason, at.unix_ms, share_};
}

void TargetState::adopt(const CheckConfig& before, const CheckConfig& after) {
  dampener_.retune(after.rise, after.fall);
  if (!same_question(before, after)) dampener_.ask_anew();
}

base::Duration TargetState::interval(const CheckConfig& check) const {
  if (dampener_.streak() > 0 && check.fast_interval.count() > 0) return check.fast_interval;
  if (dampener_.verdict() == Verdict::down && check.down_interval.count() > 0) return check.down_interval;
  return check.interval;
}

void TargetState::remember(char mark) {
  if (history_.size() == kHistory) history_.erase(0, 1);
  history_ += mark;
}

TargetStatus TargetState::status(const Target& target, base::TimePoint now) const {
  TargetStatus status;
  status.id = target.id;
  status.check = target.check.name;
  status.type = word(target.check.type);
  status.target = asked_words(target);
  status.verdict = dampener_.verdict();
  status.since_unix_ms = since_unix_ms_;
  if (last_) {
    status.last_passed = last_->passed();
    status.last_result = last_->text;
    status.last_code = code(last_->reason);
    status.last_age_ms = base::milliseconds(now - last_at_);
    status.last_latency_us = std::chrono::duration_cast<std::chrono::microseconds>(last_->latency).count();
  }
  status.streak = dampener_.streak();
  status.rise = target.check.rise;
  status.fall = target.check.fall;
  status.interval_ms = base::milliseconds(target.check.interval);
  status.timeout_ms = base::milliseconds(target.check.timeout);
  status.history = history_;
  status.down_reason = down_reason_;
  status.passed = passed_;
  status.failed = failed_;
  status.not_checked = not_checked_;
  status.certificate_expires_unix_ms = certificate_expires_unix_ms_;
  status.share = share_;
  return status;
}

}  // namespace lvsd::healthcheck

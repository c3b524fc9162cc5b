// Rise and fall: turns a row of results into a verdict. Pure. Used by target_state.
#pragma once

#include <optional>

#include "healthcheck/messages.hpp"

namespace lvsd::healthcheck {

class Dampener {
 public:
  struct Turn {
    Verdict verdict{};
    unsigned results = 0;  // in a row, this one included, that led to it
  };

  // rise, fall ≥ 1. From unknown the first result decides; an initial up or down is left only by the full row.
  Dampener(unsigned rise, unsigned fall, Verdict initial = Verdict::unknown);

  // The new verdict, only when it changes.
  std::optional<Turn> observe(bool passed);

  // Up before the first result, which decides as it does from unknown.
  void presume_up();

  // Down without a row of results; false: it was down already.
  bool fail_at_once();

  // Other thresholds for the same question; the row so far counts.
  void retune(unsigned rise, unsigned fall);

  // Another question to the same server. The verdict stays in force and a serving server is taken out only by the full
  // row of failures, but the first pass brings a down one up: the row so far was an answer to something else.
  void ask_anew();

  Verdict verdict() const { return verdict_; }
  unsigned streak() const { return streak_; }  // results in a row that disagree with the verdict

 private:
  unsigned needed() const;

  unsigned rise_;
  unsigned fall_;
  Verdict verdict_;
  unsigned streak_ = 0;
  bool first_pass_suffices_ = false;
  bool presumed_ = false;
};

}  // namespace lvsd::healthcheck

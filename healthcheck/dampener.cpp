#include "healthcheck/dampener.hpp"

namespace lvsd::healthcheck {

Dampener::Dampener(unsigned rise, unsigned fall, Verdict initial) : rise_{rise}, fall_{fall}, verdict_{initial} {}

unsigned Dampener::needed() const {
  switch (verdict_) {
    case Verdict::unknown:
      return 1;
    case Verdict::up:
      return fall_;
    case Verdict::down:
      return first_pass_suffices_ ? 1 : rise_;
  }
  return 1;
}

std::optional<Dampener::Turn> Dampener::observe(bool passed) {
  const Verdict said = passed ? Verdict::up : Verdict::down;
  if (said == verdict_) {
    streak_ = 0;
    first_pass_suffices_ = false;
    return std::nullopt;
  }
  if (++streak_ < needed()) return std::nullopt;
  const Turn turn{said, streak_};
  verdict_ = said;
  streak_ = 0;
  first_pass_suffices_ = false;
  return turn;
}

void Dampener::retune(unsigned rise, unsigned fall) {
  rise_ = rise;
  fall_ = fall;
}

void Dampener::ask_anew() {
  streak_ = 0;
  first_pass_suffices_ = true;
}

}  // namespace lvsd::healthcheck

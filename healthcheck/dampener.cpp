#include "healthcheck/dampener.hpp"

#include <utility>

namespace lvsd::healthcheck {

Dampener::Dampener(unsigned rise, unsigned fall, Verdict initial) : rise_{rise}, fall_{fall}, verdict_{initial} {}

unsigned Dampener::needed() const {
  switch (verdict_) {
    case Verdict::unknown:
      return 1;
    case Verdict::up:
      return presumed_ ? 1 : fall_;
    case Verdict::down:
      return first_pass_suffices_ ? 1 : rise_;
  }
  return 1;
}

std::optional<Dampener::Turn> Dampener::observe(bool passed) {
  const Verdict said = passed ? Verdict::up : Verdict::down;
  if (said == verdict_) {
    streak_ = 0;
    presumed_ = false;
    first_pass_suffices_ = false;
    return std::nullopt;
  }
  if (++streak_ < needed()) return std::nullopt;
  const Turn turn{said, streak_};
  presumed_ = false;
  verdict_ = said;
  streak_ = 0;
  first_pass_suffices_ = false;
  return turn;
}

void Dampener::presume_up() {
  verdict_ = Verdict::up;
  presumed_ = true;
}

bool Dampener::fail_at_once() {
  presumed_ = false;
  streak_ = 0;
  first_pass_suffices_ = false;
  return std::exchange(verdict_, Verdict::down) != Verdict::down;
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

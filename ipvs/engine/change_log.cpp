#include "ipvs/engine/change_log.hpp"

namespace lvsd::ipvs::engine {

void ChangeLog::follow(std::uint32_t capacity) {
  if (follows()) return;
  marks_.assign(capacity, 0);
  known_.assign(capacity, 0);
  settled_.ring.assign(capacity, 0);
  half_open_.ring.assign(capacity, 0);
}

std::optional<ChangeLog::Noted> ChangeLog::next() noexcept {
  if (settled_.count > 0) {
    const auto number = settled_.pop();
    marks_[number] &= static_cast<std::uint8_t>(~kInSettled);
    return Noted{number, false};
  }
  if (half_open_.count == 0) return std::nullopt;
  const auto number = half_open_.pop();
  marks_[number] &= static_cast<std::uint8_t>(~kInHalfOpen);
  return Noted{number, true};
}

void ChangeLog::known(std::uint32_t number, std::uint32_t stamp, bool from_peer) noexcept {
  if (marks_.empty()) return;
  known_[number] = stamp;
  marks_[number] = static_cast<std::uint8_t>((marks_[number] & ~kFromPeer) | (from_peer ? kFromPeer : 0));
}

void ChangeLog::Queue::push(std::uint32_t number) noexcept {
  const auto size = static_cast<std::uint32_t>(ring.size());
  const auto at = std::uint64_t{first} + count++;
  ring[static_cast<std::uint32_t>(at < size ? at : at - size)] = number;
}

std::uint32_t ChangeLog::Queue::pop() noexcept {
  const auto number = ring[first];
  first = first + 1 == ring.size() ? 0 : first + 1;
  --count;
  return number;
}

}  // namespace lvsd::ipvs::engine

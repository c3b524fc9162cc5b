#include "ipvs/engine/waiting_packets.hpp"

namespace lvsd::ipvs::engine {

WaitingPackets::Added WaitingPackets::add(const NextHopKey& next_hop, std::span<const std::uint8_t> frame,
                                          base::TimePoint now) {
  if (size_ >= kInAll) return Added::Full;
  const auto [entry, fresh] = queues_.try_emplace(next_hop);
  Queue& queue = entry->second;
  if (queue.frames.size() >= kPerNextHop) return Added::Full;
  if (fresh) queue.since = queue.asked = now;
  queue.frames.emplace_back(frame.begin(), frame.end());
  ++size_;
  return fresh ? Added::WaitsAndAsk : Added::Waits;
}

std::vector<WaitingPackets::Frame> WaitingPackets::take(const NextHopKey& next_hop) {
  const auto entry = queues_.find(next_hop);
  if (entry == queues_.end()) return {};
  auto frames = std::move(entry->second.frames);
  queues_.erase(entry);
  size_ -= frames.size();
  return frames;
}

std::size_t WaitingPackets::expire(base::TimePoint now) {
  const std::size_t before = size_;
  std::erase_if(queues_, [&](const auto& entry) {
    if (now - entry.second.since < kPatience) return false;
    size_ -= entry.second.frames.size();
    return true;
  });
  return before - size_;
}

std::vector<NextHopKey> WaitingPackets::ask_again(base::TimePoint now) {
  std::vector<NextHopKey> questions;
  for (auto& [next_hop, queue] : queues_) {
    if (now - queue.asked < kAskAgain) continue;
    queue.asked = now;
    questions.push_back(next_hop);
  }
  return questions;
}

}  // namespace lvsd::ipvs::engine

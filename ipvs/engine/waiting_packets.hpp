// Packets that wait until the kernel knows the next hop's hardware address. Pure; used by the worker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "base/address.hpp"
#include "base/time.hpp"

namespace lvsd::ipvs::engine {

struct NextHopKey {
  std::uint32_t interface = 0;
  base::IpAddress address;
  friend auto operator<=>(const NextHopKey&, const NextHopKey&) = default;
};

class WaitingPackets {
 public:
  using Frame = std::vector<std::uint8_t>;
  static constexpr std::size_t kPerNextHop = 3;  // as the kernel's unres_qlen was before it counted bytes
  static constexpr std::size_t kInAll = 256;
  static constexpr base::Duration kPatience = std::chrono::seconds{3};  // the kernel's three questions, one a second
  static constexpr base::Duration kAskAgain = std::chrono::seconds{1};

  enum class Added : std::uint8_t { Full, Waits, WaitsAndAsk };  // Ask: nobody has asked the kernel for it yet
  Added add(const NextHopKey& next_hop, std::span<const std::uint8_t> frame, base::TimePoint now);

  // What waited for it, oldest first; they are forgotten here.
  std::vector<Frame> take(const NextHopKey& next_hop);

  // Gives up what waited too long; returns how many packets were discarded.
  std::size_t expire(base::TimePoint now);
  // Next hops to ask the kernel for once more.
  std::vector<NextHopKey> ask_again(base::TimePoint now);

  std::size_t size() const { return size_; }

 private:
  struct Queue {
    std::vector<Frame> frames;
    base::TimePoint since;
    base::TimePoint asked;
  };
  std::map<NextHopKey, Queue> queues_;
  std::size_t size_ = 0;
};

}  // namespace lvsd::ipvs::engine

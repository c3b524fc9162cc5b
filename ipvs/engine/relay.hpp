// Frames on their way from one worker to another: for each pair a ring in memory that one fills and the other empties,
// without locks. A packet that came to the wrong worker goes to the one that decides; a frame that is to leave by an
// interface on which its worker has no socket goes to one that has. Used by the workers.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/fd.hpp"
#include "base/result.hpp"
#include "ipvs/engine/packet.hpp"

namespace lvsd::ipvs::engine {

struct RelayedFrame {
  static constexpr std::uint32_t kHeadroom = 256;
  static constexpr std::uint32_t kLargest = 1792;  // as AF_XDP hands them over
  static constexpr std::uint32_t kTailroom = 128;
  enum class Purpose : std::uint8_t { Decide, Send };

  std::uint32_t length = 0;
  std::uint32_t interface = 0;  // it came in on, or is to leave by
  Purpose purpose = Purpose::Decide;
  std::uint8_t hops = 0;                                                         // this one counted
  alignas(64) std::array<std::uint8_t, kHeadroom + kLargest + kTailroom> bytes;  // the frame is behind the headroom

  Packet packet() {
    return {bytes.data() + kHeadroom, length, kHeadroom, kLargest + kTailroom - length, interface, hops};
  }
};

// One producer, one consumer.
class RelayRing {
 public:
  static constexpr std::uint32_t kFrames = 512;

  RelayRing() : frames_{std::make_unique<std::array<RelayedFrame, kFrames>>()} {}

  // The producer. A copy of the frame; false: there is no room, or it is too long. Seen by the consumer from publish()
  // on.
  bool push(std::span<const std::uint8_t> frame, std::uint32_t interface, RelayedFrame::Purpose purpose,
            std::uint8_t hops) noexcept;
  bool publish() noexcept;  // false: there was nothing new

  // The consumer. How many frames there are, the i-th of them, and that the first so many are done with.
  std::uint32_t available() noexcept;
  RelayedFrame& at(std::uint32_t i) noexcept {
    return (*frames_)[(head_.load(std::memory_order_relaxed) + i) % kFrames];
  }
  void pop(std::uint32_t count) noexcept;

 private:
  std::unique_ptr<std::array<RelayedFrame, kFrames>> frames_;
  alignas(64) std::atomic<std::uint32_t> tail_{0};  // published
  std::uint32_t filled_ = 0;                        // the producer's
  std::uint32_t seen_head_ = 0;                     // the producer's
  alignas(64) std::atomic<std::uint32_t> head_{0};
};

// All rings between so many workers, and how each is woken.
class Relay {
 public:
  static base::Result<std::unique_ptr<Relay>> create(unsigned workers);

  unsigned workers() const { return workers_; }
  RelayRing& ring(unsigned from, unsigned to) { return *rings_[from * workers_ + to]; }

  // The producer, after publish().
  void wake(unsigned worker) noexcept;
  // The consumer, before it sleeps: from now on wake() makes wake_fd() readable. It looks at its rings once more.
  void going_to_sleep(unsigned worker) noexcept;
  void awake(unsigned worker) noexcept;
  int wake_fd(unsigned worker) const { return bells_[worker]->fd.get(); }

 private:
  struct Bell {
    base::UniqueFd fd;
    alignas(64) std::atomic<bool> asleep{false};
  };
  explicit Relay(unsigned workers) : workers_{workers} {}

  unsigned workers_;
  std::vector<std::unique_ptr<RelayRing>> rings_;
  std::vector<std::unique_ptr<Bell>> bells_;
};

}  // namespace lvsd::ipvs::engine

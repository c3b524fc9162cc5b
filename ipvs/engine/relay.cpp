#include "ipvs/engine/relay.hpp"

#include <cstring>

#include <sys/eventfd.h>

namespace lvsd::ipvs::engine {

bool RelayRing::push(std::span<const std::uint8_t> frame, std::uint32_t interface, RelayedFrame::Purpose purpose,
                     std::uint8_t hops) noexcept {
  if (frame.size() > RelayedFrame::kLargest + RelayedFrame::kTailroom) return false;
  if (filled_ - seen_head_ == kFrames) {
    seen_head_ = head_.load(std::memory_order_acquire);
    if (filled_ - seen_head_ == kFrames) return false;
  }
  auto& place = (*frames_)[filled_ % kFrames];
  place.length = static_cast<std::uint32_t>(frame.size());
  place.interface = interface;
  place.purpose = purpose;
  place.hops = hops;
  std::memcpy(place.bytes.data() + RelayedFrame::kHeadroom, frame.data(), frame.size());
  ++filled_;
  return true;
}

// In one order with Relay::wake() and going_to_sleep(): either the consumer sees the frames before it sleeps, or the
// producer sees that it sleeps.
bool RelayRing::publish() noexcept {
  if (tail_.load(std::memory_order_relaxed) == filled_) return false;
  tail_.store(filled_, std::memory_order_seq_cst);
  return true;
}

std::uint32_t RelayRing::available() noexcept {
  return tail_.load(std::memory_order_seq_cst) - head_.load(std::memory_order_relaxed);
}

void RelayRing::pop(std::uint32_t count) noexcept {
  head_.store(head_.load(std::memory_order_relaxed) + count, std::memory_order_release);
}

base::Result<std::unique_ptr<Relay>> Relay::create(unsigned workers) {
  std::unique_ptr<Relay> relay{new Relay{workers}};
  for (unsigned from = 0; from < workers; ++from) {
    for (unsigned to = 0; to < workers; ++to)
      relay->rings_.push_back(from == to ? nullptr : std::make_unique<RelayRing>());
    auto bell = std::make_unique<Bell>();
    bell->fd.reset(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    if (!bell->fd) return base::fail_errno("eventfd");
    relay->bells_.push_back(std::move(bell));
  }
  return relay;
}

void Relay::wake(unsigned worker) noexcept {
  auto& bell = *bells_[worker];
  if (bell.asleep.load(std::memory_order_seq_cst) && bell.asleep.exchange(false)) eventfd_write(bell.fd.get(), 1);
}

void Relay::going_to_sleep(unsigned worker) noexcept { bells_[worker]->asleep.store(true, std::memory_order_seq_cst); }

void Relay::awake(unsigned worker) noexcept {
  auto& bell = *bells_[worker];
  std::uint64_t ignored = 0;
  // Somebody rang, or is about to: what is left of it ends one sleep early, no more.
  if (!bell.asleep.exchange(false)) eventfd_read(bell.fd.get(), &ignored);
}

}  // namespace lvsd::ipvs::engine

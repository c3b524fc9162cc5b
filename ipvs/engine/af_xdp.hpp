// One AF_XDP socket with its own packet memory: one receive queue of one interface. Used by the worker, on its thread;
// opened and closed by the room's loop. The only user of libxdp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/result.hpp"
#include "ipvs/config.hpp"
#include "ipvs/engine/packet.hpp"

namespace lvsd::ipvs::engine {

class XskSocket {
 public:
  static constexpr std::uint32_t kChunk = 2048;          // bytes of packet memory per frame
  static constexpr std::uint32_t kKernelHeadroom = 256;  // XDP_PACKET_HEADROOM: received frames begin here
  static constexpr std::uint32_t kLargestFrame = kChunk - kKernelHeadroom;
  static constexpr std::uint32_t kFrames = 4096;  // 8 MiB; half for reception, half for transmission
  static constexpr std::uint32_t kRing = 2048;

  struct Wish {
    bool native = true;  // else generic XDP, which always copies
    ZeroCopy zero_copy = ZeroCopy::Auto;
    unsigned busy_poll_us = 0;
  };
  // What is required and cannot be had is an error; busy polling that the kernel refuses is not.
  static base::Result<std::unique_ptr<XskSocket>> open(const std::string& interface, std::uint32_t queue,
                                                       const Wish& wish);
  ~XskSocket();
  XskSocket(const XskSocket&) = delete;
  XskSocket& operator=(const XskSocket&) = delete;

  int fd() const;
  bool zero_copy() const;
  bool busy_poll() const;

  // Up to packets.size(). Each frame is the caller's until it is handed to send() or recycle().
  std::size_t receive(std::span<Packet> packets, std::uint32_t interface);
  void recycle(const Packet& packet);

  // Queues a frame of this socket's memory; false when the ring is full (the frame stays the caller's).
  bool send(const Packet& packet);
  // Queues a copy of a frame from elsewhere; false when the ring or the memory is full, or the frame too large.
  bool send_copy(std::span<const std::uint8_t> frame);

  // Tells the kernel to transmit what is queued. True when nothing is left that another call would move.
  bool flush();
  void reclaim();  // takes back transmitted frames
  void refill();   // gives the kernel frames to receive into

  struct Statistics {
    std::uint64_t received = 0;
    std::uint64_t sent = 0;
    std::uint64_t ring_full = 0;  // dropped by the kernel: rings full or frame too large for a chunk
  };
  Statistics statistics() const;

 private:
  struct Impl;
  explicit XskSocket(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace lvsd::ipvs::engine

// What `lvsctl capture` sees: copies of the frames that a worker's batches bring and send, with the core's verdicts, in
// fixed memory until they are fetched. What finds no room there is counted; the batch never waits. Used by the worker,
// on its thread. The only user of libpcap's filter machine.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/result.hpp"
#include "ipvs/capture_messages.hpp"
#include "ipvs/engine/packet.hpp"

namespace lvsd::ipvs::engine {

struct CapturedCopy {
  std::int64_t unix_ns = 0;
  std::uint32_t interface = 0;  // it came in on, or leaves through
  std::uint32_t length = 0;     // of the frame
  std::uint32_t offset = 0;     // of what was kept, in the batch's bytes
  std::uint32_t kept = 0;
  bool leaves = false;
  Verdict verdict;
};

// Between two fetches. Its memory is reserved by whoever makes it, so that the worker allocates nothing.
struct CapturedBatch {
  static constexpr std::size_t kBytes = 1u << 20;
  static constexpr std::size_t kFrames = 8192;

  static CapturedBatch make() {
    CapturedBatch batch;
    batch.bytes.reserve(kBytes);
    batch.frames.reserve(kFrames);
    return batch;
  }

  std::vector<std::uint8_t> bytes;
  std::vector<CapturedCopy> frames;
};

struct CaptureCounts {
  std::uint64_t seen = 0;
  std::uint64_t matching = 0;
  std::uint64_t missed = 0;
};

class Capture {
 public:
  static constexpr std::size_t kBatch = 64;  // packets

  // The filter is verified: one that jumps out of itself or divides by 0 is an error.
  static base::Result<std::unique_ptr<Capture>> create(const CaptureQuery& query);
  ~Capture();
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

  // Before the core works on a batch (at most kBatch packets) and after it. A packet is taken when the filter takes it
  // as it came or as it leaves; then both are kept.
  void arrive(std::span<const Packet> packets);
  void decided(std::span<const Packet> packets, std::span<const Verdict> verdicts, std::int64_t unix_ns);

  // Gives what was kept and goes on with `fresh`.
  CapturedBatch fetch(CapturedBatch fresh);
  const CaptureCounts& counts() const { return counts_; }

 private:
  struct Program;
  static constexpr std::size_t kLongest = 2048;  // bytes of a frame that are kept

  explicit Capture(std::unique_ptr<Program> program, const CaptureQuery& query);
  bool takes(const std::uint8_t* frame, std::uint32_t length) const;
  void keep(CapturedCopy copy, const std::uint8_t* frame);
  bool has_room() const;

  std::unique_ptr<Program> program_;
  std::uint32_t snap_length_;
  std::uint32_t every_;
  CapturedBatch batch_ = CapturedBatch::make();
  CaptureCounts counts_;
  std::array<Packet, kBatch> came_{};  // as they came; data is in before_
  std::vector<std::uint8_t> before_;
};

}  // namespace lvsd::ipvs::engine

// The flows that the XDP program forwards by itself: the engine's side of the memory of fast_flow.h. Writes flows and
// takes them away so that the program never sees one that is half written; collects what it counted. Knows nothing of
// connections (offload.hpp does) and, given plain memory, works without a kernel.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "ipvs/engine/connection.hpp"
#include "ipvs/engine/fast_flow.h"

namespace lvsd::ipvs::engine {

// Mapped or plain; zeroed, or what an earlier FastFlows with the same sizes left.
struct FastMemory {
  std::span<fast_flow> flows;      // the first is never used
  std::span<fast_bucket> buckets;  // a power of two
  fast_state* state = nullptr;
  // Which of the flows are to be written: with several workers each has its own, and only the index is shared. They are
  // all in place before the first of them works.
  std::uint32_t first = 1;
  std::uint32_t last = 0;  // behind the last one; 0: all

  // Of the i-th of so many workers.
  FastMemory share(unsigned i, unsigned workers) const {
    auto mine = *this;
    if (flows.empty()) return mine;
    const auto each = static_cast<std::uint32_t>((flows.size() - 1) / workers);
    mine.first = 1 + i * each;
    mine.last = i + 1 == workers ? static_cast<std::uint32_t>(flows.size()) : mine.first + each;
    return mine;
  }
};

class FastFlows {
 public:
  static constexpr std::uint32_t kNone = 0;

  struct Count {
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;
    std::uint32_t last_seen = 0;  // stamp: milliseconds of the monotonic clock modulo 2^32
  };

  FastFlows() = default;  // no room for any
  // Takes up the flows that are found in `memory`; those that cannot be are taken away.
  FastFlows(const FastMemory& memory, std::uint64_t seed);

  // The number of the flow, from now on in force; kNone: there is no room, or its place in the index is taken, which is
  // counted. There must be none for the same packets.
  std::uint32_t add(const fast_flow& flow);
  // The program does not find it any more. Its number is used again after the next grace period.
  void remove(std::uint32_t number);

  // What was counted since the last call; also of a removed flow until its number is used again.
  Count collect(std::uint32_t number);

  // Flows that were removed wait for all processors to have left the program. `begin_grace` is true when there are such
  // and no period is under way; the caller then waits for it, and calls end_grace() with `released` told each number.
  bool begin_grace();
  template <class Released>
  void end_grace(Released released) {
    for (const auto number : leaving_) {
      released(number);
      free(number);
    }
    leaving_.clear();
    in_grace_ = false;
  }

  bool is_in_force(std::uint32_t number) const { return number < in_force_.size() && in_force_[number]; }
  const fast_flow& at(std::uint32_t number) const { return memory_.flows[number]; }
  // Flows have numbers below this.
  std::uint32_t end() const { return used_; }
  std::uint32_t size() const { return size_; }
  std::uint32_t capacity() const { return memory_.flows.empty() ? 0 : memory_.last - memory_.first; }
  bool nearly_full() const { return size_ >= capacity() - capacity() / 8; }
  std::uint64_t refused() const { return refused_; }

 private:
  struct Place {
    fast_bucket* bucket = nullptr;
    unsigned index = 0;
  };
  std::uint64_t hash(const fast_flow& flow) const;
  std::optional<Place> find(std::uint64_t hash);
  std::optional<Place> claim(std::uint64_t hash, std::uint32_t number);
  void leave(std::uint64_t hash, std::uint32_t number);
  bool is_mine(std::uint32_t number) const { return number >= memory_.first && number < memory_.last; }
  void adopt();
  bool adopt_place(fast_bucket& bucket, unsigned index);
  void free(std::uint32_t number);
  std::uint32_t take_number();

  FastMemory memory_;
  std::vector<bool> in_force_;
  std::vector<std::uint32_t> free_;     // below used_
  std::vector<std::uint32_t> removed_;  // since the grace period began
  std::vector<std::uint32_t> leaving_;  // it is for these
  std::uint32_t used_ = 1;
  std::uint32_t size_ = 0;
  std::uint64_t refused_ = 0;
  bool in_grace_ = false;
};

// What a packet is found by; of a flow of either family and direction.
Tuple tuple_of(const fast_flow& flow);

}  // namespace lvsd::ipvs::engine

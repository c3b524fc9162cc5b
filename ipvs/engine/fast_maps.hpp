// The kernel's side of the fast path's memory: arrays that the XDP program reads and this process maps (fast_flow.h).
// They outlive the process when somebody else holds their descriptors too: the program goes on forwarding, until
// FAST_ORPHAN_LIMIT has passed without a beat. Used by the engine backend.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>

#include "base/fd.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "ipvs/engine/fast_flows.hpp"

namespace lvsd::ipvs::engine {

class FastMaps {
 public:
  // Room for `flows`; 0: none, and the program finds nothing. What an earlier process kept under names() is taken up
  // when it has these sizes.
  static base::Result<FastMaps> open(std::uint32_t flows, std::map<std::string, base::UniqueFd> kept);
  FastMaps(FastMaps&& other) noexcept;
  FastMaps& operator=(FastMaps&& other) noexcept;
  ~FastMaps();

  FastMemory memory() const;
  // The engine is alive; a time of zero: the program forwards nothing from now on. While it does not say so for
  // FAST_ORPHAN_LIMIT nothing is forwarded. Any thread.
  void beat(base::TimePoint now);

  bool taken_up() const { return taken_up_; }
  int state_fd() const { return parts_[0].fd.get(); }
  int buckets_fd() const { return parts_[1].fd.get(); }
  int flows_fd() const { return parts_[2].fd.get(); }

  // By name, for the supervisor.
  std::map<std::string, int> descriptors() const;

 private:
  struct Part {
    base::UniqueFd fd;
    std::span<std::byte> bytes;
  };
  FastMaps() = default;
  base::Result<void> open_part(std::size_t index, std::uint32_t entries, base::UniqueFd kept);
  void swap(FastMaps& other) noexcept;

  Part parts_[3];
  std::uint32_t flows_ = 0;
  bool taken_up_ = false;
};

}  // namespace lvsd::ipvs::engine

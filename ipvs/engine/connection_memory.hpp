// The memory file of the connection table: it outlives the process, because the supervisor holds it too. Used by the
// engine backend.
#pragma once

#include <cstddef>
#include <span>

#include "base/fd.hpp"
#include "base/result.hpp"

namespace lvsd::ipvs::engine {

class ConnectionMemory {
 public:
  // `kept` is taken up when it has exactly `size` bytes; otherwise a new, zeroed file is made.
  static base::Result<ConnectionMemory> open(base::UniqueFd kept, std::size_t size);
  ConnectionMemory(ConnectionMemory&& other) noexcept;
  ConnectionMemory& operator=(ConnectionMemory&& other) noexcept;
  ~ConnectionMemory();

  std::span<std::byte> bytes() const { return bytes_; }
  int fd() const { return file_.get(); }
  bool taken_up() const { return taken_up_; }

 private:
  ConnectionMemory() = default;
  base::UniqueFd file_;
  std::span<std::byte> bytes_;
  bool taken_up_ = false;
};

}  // namespace lvsd::ipvs::engine

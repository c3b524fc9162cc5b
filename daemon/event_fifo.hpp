// A named pipe that gets one line per event, for programs that follow lvsd as they follow keepalived. Never blocks:
// what does not fit because nobody reads is dropped and counted. Used by Supervisor.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/fd.hpp"
#include "base/result.hpp"

namespace lvsd::daemon {

class EventFifo {
 public:
  // Empty: none. The pipe is made (mode 0600) where nothing is there; anything but a pipe is refused, links too.
  base::Result<void> open(const std::string& path);

  void write(std::string_view line);  // whole or not at all

  const std::string& path() const { return path_; }
  std::uint64_t dropped() const { return dropped_; }  // lines

 private:
  std::string path_;
  base::UniqueFd fd_;
  std::uint64_t dropped_ = 0;
};

}  // namespace lvsd::daemon

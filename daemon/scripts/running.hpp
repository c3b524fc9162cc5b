// One program under way: its output kept in part, its end awaited, its time limited. When it ends, or time is up, its
// whole process group ends with it. Used by runner.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/script.hpp"
#include "base/time.hpp"
#include "daemon/scripts/launcher.hpp"

namespace boost::asio {
class io_context;
}

namespace lvsd::daemon::scripts {

class Running {
 public:
  static constexpr base::Duration kGrace{std::chrono::milliseconds{250}};  // from SIGTERM to SIGKILL

  // From the loop. `on_result` once: with the end, or at the end of its time. `on_gone` once, last: no process of its
  // group is left; it may destroy the Running.
  struct Events {
    std::function<void(base::ScriptEnded)> on_result;
    std::function<void()> on_gone;
  };

  Running(boost::asio::io_context& loop, std::uint64_t id, Launched launched, base::Duration timeout, Events events);
  ~Running();  // kills the group at once
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  void cancel();  // ends it as its timeout would
  pid_t pid() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace lvsd::daemon::scripts

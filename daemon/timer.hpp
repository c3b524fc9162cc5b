// A timer on an event loop: runs its function once, unless it is set again, cancelled or destroyed before.
#pragma once

#include <functional>
#include <memory>

#include "base/time.hpp"

namespace boost::asio {
class io_context;
}

namespace lvsd::daemon {

class Timer {
 public:
  explicit Timer(boost::asio::io_context& loop);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  void after(base::Duration wait, std::function<void()> function);
  void cancel();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace lvsd::daemon

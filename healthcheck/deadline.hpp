// The one deadline of a check. When the loop itself ran late (a stopped process, a busy processor), what the server
// sent meanwhile is read first: its answer must not be lost to our own delay. Used by the checkers.
#pragma once

#include <functional>
#include <memory>

#include "base/time.hpp"

namespace boost::asio {
class io_context;
}

namespace lvsd::healthcheck {

class Deadline {
 public:
  // Calls back once, unless destroyed before. The callback may destroy the Deadline.
  Deadline(boost::asio::io_context& loop, base::Duration after, std::function<void()> on_expired);
  ~Deadline();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace lvsd::healthcheck

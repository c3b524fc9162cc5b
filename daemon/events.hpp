// What has happened, newest last: the last kMost events of this lvsd process, numbered. Pure; held by Supervisor, read
// by `lvsctl events` and the status page.
#pragma once

#include <cstdint>
#include <deque>
#include <string>

#include "daemon/api.hpp"

namespace lvsd::daemon {

class Events {
 public:
  static constexpr std::size_t kMost = 1000;
  static constexpr std::size_t kLongestText = 512;  // bytes; the rest is cut off

  // The number is given here, from 1 on.
  const Event& add(Event event);

  // Those after this number, at most `limit`, the newest of them.
  EventList after(std::uint64_t number, std::size_t limit = kMost) const;

 private:
  std::deque<Event> events_;
  std::uint64_t last_ = 0;
};

}  // namespace lvsd::daemon

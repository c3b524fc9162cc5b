#include "daemon/events.hpp"

#include <algorithm>

namespace lvsd::daemon {

const Event& Events::add(Event event) {
  event.number = ++last_;
  if (event.text.size() > kLongestText) event.text.resize(kLongestText);
  if (events_.size() == kMost) events_.pop_front();
  return events_.emplace_back(std::move(event));
}

EventList Events::after(std::uint64_t number, std::size_t limit) const {
  EventList list;
  list.last = last_;
  const auto first = std::find_if(events_.begin(), events_.end(), [&](const Event& e) { return e.number > number; });
  const auto count = static_cast<std::size_t>(events_.end() - first);
  const auto skipped = count - std::min(count, limit);
  list.events.assign(first + static_cast<std::ptrdiff_t>(skipped), events_.end());
  return list;
}

}  // namespace lvsd::daemon

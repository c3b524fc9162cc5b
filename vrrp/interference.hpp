// When an instance can no longer keep its addresses, because somebody removes them again and again or the kernel
// refuses them: then a peer must serve. Pure; part of the holdings.
#pragma once

#include <string>
#include <vector>

#include "base/time.hpp"

namespace lvsd::vrrp {

class Interference {
 public:
  static constexpr std::size_t kMostRemovals = 20;
  static constexpr base::Duration kWithin = std::chrono::seconds{10};
  static constexpr unsigned kMostFailures = 2;                          // to add an address, in a row
  static constexpr base::Duration kCoolOff = std::chrono::seconds{30};  // then it is tried again

  void removed(const std::string& address, base::TimePoint now);
  void added(const std::string& error, base::TimePoint now);  // empty: it worked

  // Why the instance must give up; empty: it need not.
  std::string problem(base::TimePoint now) const;

 private:
  void give_up(std::string why, base::TimePoint now);

  std::vector<base::TimePoint> removals_;  // of the last kWithin, oldest first
  unsigned failures_ = 0;
  std::string problem_;
  base::TimePoint until_{};
};

}  // namespace lvsd::vrrp

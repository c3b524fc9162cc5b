// Failovers by command that are under way: who is waited for, and what came of it. Pure. Owned by the room.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "vrrp/messages.hpp"

namespace lvsd::vrrp {

class Failovers {
 public:
  static constexpr std::size_t kMost = 16;  // at once; more are refused

  // What is known of an instance; empty: there is none of that name.
  struct Standing {
    Role role{};
    bool leaving = false;
    std::string reason;  // of its last transition
  };
  using Look = std::function<std::optional<Standing>(const std::string& instance)>;

  // `names`: every one that is meant. Returns those that are master now and have to cede.
  std::vector<std::string> begin(const Failover& command, std::vector<std::string> names, const Look& look,
                                 base::TimePoint now);

  // The answers that are complete.
  std::vector<FailoverDone> settled(const Look& look, base::TimePoint now);

 private:
  struct UnderWay {
    FailoverDone answer;
    std::vector<std::string> waiting;
    base::TimePoint since;
  };
  std::vector<UnderWay> under_way_;
};

}  // namespace lvsd::vrrp

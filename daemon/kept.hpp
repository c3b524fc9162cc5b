// The descriptors that outlive a process: held here for a room's next incarnation, and in the service manager's store
// for the control process's own. A name reads "ROOM/NAME" or is one of the control process's own.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/fd.hpp"
#include "daemon/service_manager.hpp"

namespace lvsd::daemon {

class Kept {
 public:
  explicit Kept(const ServiceManager& manager) : manager_{manager} {}

  // Of a descriptor that is in the store already (taken back at start).
  void adopt(std::string name, base::UniqueFd fd) { held_.insert_or_assign(std::move(name), std::move(fd)); }

  // Replaces what was held under the name; the same open file again changes nothing.
  void hold(const std::string& name, base::UniqueFd fd);

  void hold_copy(const std::string& name, int fd);

  // Everything under "ROOM/", without that prefix. The descriptors stay ours.
  std::vector<std::pair<std::string, int>> of_room(std::string_view room) const;

  base::UniqueFd copy_of(const std::string& name) const;  // empty when there is none
  void forget_all();                                      // an orderly stop leaves nothing behind

 private:
  const ServiceManager& manager_;
  std::map<std::string, base::UniqueFd> held_;
};

}  // namespace lvsd::daemon

// A memory file with the services that lvsd has made in the kernel's table: held by the supervisor too, so that a
// restarted room still knows what it may remove. Used by kernel_backend.
#pragma once

#include <set>

#include "base/fd.hpp"
#include "ipvs/backend.hpp"
#include "ipvs/kernel/kernel_table.hpp"

namespace lvsd::ipvs::kernel {

class ServiceMemory {
 public:
  // Takes up what `kept` holds, else begins empty and hands the new file to `keep`. Works without a file too.
  ServiceMemory(Kept& kept, const KeepFd& keep);

  const std::set<ServiceKey>& services() const { return services_; }
  void remember(std::set<ServiceKey> services);

 private:
  base::UniqueFd file_;
  std::set<ServiceKey> services_;
};

}  // namespace lvsd::ipvs::kernel

#include "vrrp/urgency.hpp"

#include <cerrno>
#include <cstring>

#include <linux/capability.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/result.hpp"

namespace lvsd::vrrp {
namespace {

constexpr int kRealTimePriority = 10;  // above all ordinary work, below the kernel's own threads (50)

bool holds(unsigned capability) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
  if (syscall(SYS_capget, &header, data) != 0) return false;
  return (data[capability / 32].permitted >> (capability % 32) & 1u) != 0;
}

// Under a limit, locking the future would turn the next larger allocation into a failure.
bool may_lock_everything() {
  rlimit limit{};
  return holds(CAP_IPC_LOCK) || (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur == RLIM_INFINITY);
}

}  // namespace

std::vector<std::string> urgency_capabilities() {
  std::vector<std::string> names;
  if (holds(CAP_SYS_NICE)) names.emplace_back("sys_nice");
  if (holds(CAP_IPC_LOCK)) names.emplace_back("ipc_lock");
  return names;
}

std::vector<std::string> become_urgent() {
  std::vector<std::string> refused;
  const sched_param priority{kRealTimePriority};
  // Threads started later (the log's writer) are ordinary.
  if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &priority) != 0) {
    refused.push_back(base::fail_errno("real-time priority").value().text);
  }
  if (!may_lock_everything()) {
    refused.emplace_back("lock memory: limited by RLIMIT_MEMLOCK");
  } else if (mlockall(MCL_CURRENT) != 0 ||
             mlockall(MCL_FUTURE | MCL_ONFAULT) != 0) {  // stacks and arenas as they are used
    refused.push_back(base::fail_errno("lock memory").value().text);
  }
  return refused;
}

}  // namespace lvsd::vrrp

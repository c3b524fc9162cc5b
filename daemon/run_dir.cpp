#include "daemon/run_dir.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace lvsd::daemon {
namespace {

std::string holder(int fd) {
  char text[32] = {};
  return pread(fd, text, sizeof text - 1, 0) > 0 ? fmt::format("pid {}", text) : std::string{"pid unknown"};
}

}  // namespace

gid_t group_or_root(const char* name) {
  const group* entry = getgrnam(name);
  return entry != nullptr ? entry->gr_gid : 0;
}

base::Result<base::UniqueFd> claim_run_dir(const std::string& path) {
  if (mkdir(path.c_str(), 0750) != 0 && errno != EEXIST) return base::fail_errno("create " + path);
  const base::UniqueFd directory{open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!directory) return base::fail_errno("open " + path);
  struct stat st {};
  const gid_t group = group_or_root("lvsd");
  // Ours, or made by the service manager for root: members of the group may reach the sockets. Failure only narrows
  // access.
  if (group != 0 && geteuid() == 0 && fstat(directory.get(), &st) == 0 && st.st_uid == 0 && st.st_gid == 0) {
    static_cast<void>(!fchown(directory.get(), 0, group));
  }
  base::UniqueFd lock{openat(directory.get(), "lvsd.lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
  if (!lock) return base::fail_errno("open " + path + "/lvsd.lock");
  if (flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return base::fail_errno("lock " + path + "/lvsd.lock");
    return base::fail(fmt::format("another lvsd ({}) uses {}", holder(lock.get()), path));
  }
  const auto pid = std::to_string(getpid());
  if (ftruncate(lock.get(), 0) != 0 || pwrite(lock.get(), pid.data(), pid.size(), 0) < 0) {
    return base::fail_errno("write " + path + "/lvsd.lock");
  }
  return lock;
}

}  // namespace lvsd::daemon

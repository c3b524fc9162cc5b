#include "daemon/kept.hpp"

#include <fcntl.h>
#include <linux/kcmp.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace lvsd::daemon {
namespace {

// The manager refuses to store an open file twice, so replacing one by itself would lose it.
bool same_open_file(int a, int b) { return syscall(SYS_kcmp, getpid(), getpid(), KCMP_FILE, a, b) == 0; }

}  // namespace

void Kept::hold(const std::string& name, base::UniqueFd fd) {
  const auto found = held_.find(name);
  if (found != held_.end() && same_open_file(found->second.get(), fd.get())) return;
  manager_.store(name, fd.get());
  held_.insert_or_assign(name, std::move(fd));
}

void Kept::hold_copy(const std::string& name, int fd) {
  base::UniqueFd copy{fcntl(fd, F_DUPFD_CLOEXEC, 0)};
  if (copy) hold(name, std::move(copy));
}

std::vector<std::pair<std::string, int>> Kept::of_room(std::string_view room) const {
  const std::string prefix = std::string{room} + "/";
  std::vector<std::pair<std::string, int>> out;
  for (const auto& [name, fd] : held_) {
    if (name.starts_with(prefix)) out.emplace_back(name.substr(prefix.size()), fd.get());
  }
  return out;
}

base::UniqueFd Kept::copy_of(const std::string& name) const {
  const auto found = held_.find(name);
  if (found == held_.end()) return {};
  return base::UniqueFd{fcntl(found->second.get(), F_DUPFD_CLOEXEC, 0)};
}

void Kept::forget_all() {
  for (const auto& [name, fd] : held_) manager_.forget(name);
  held_.clear();
}

}  // namespace lvsd::daemon

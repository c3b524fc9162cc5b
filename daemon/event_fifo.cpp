#include "daemon/event_fifo.hpp"

#include <cerrno>
#include <climits>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace lvsd::daemon {

base::Result<void> EventFifo::open(const std::string& path) {
  if (path == path_ && (path.empty() || fd_)) return {};
  path_ = path;
  fd_.reset();
  if (path.empty()) return {};
  if (mkfifo(path.c_str(), 0600) != 0 && errno != EEXIST) return base::fail_errno("make " + path);
  // Read and write: the pipe stays whole while readers come and go.
  base::UniqueFd fd{::open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW)};
  if (!fd) return base::fail_errno("open " + path);
  struct stat what {};
  if (fstat(fd.get(), &what) != 0) return base::fail_errno("look at " + path);
  if (!S_ISFIFO(what.st_mode)) return base::fail(path + " is not a named pipe");
  fd_ = std::move(fd);
  return {};
}

void EventFifo::write(std::string_view line) {
  if (!fd_) return;
  // Up to PIPE_BUF bytes go in one piece, pipe(7).
  const bool fits = line.size() <= PIPE_BUF;
  if (!fits || ::write(fd_.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size())) ++dropped_;
}

}  // namespace lvsd::daemon

#include "daemon/spawn.hpp"

#include <array>
#include <cstring>
#include <string>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace lvsd::daemon {
namespace {

// Everything exec needs, made before fork: between fork and exec only async-signal-safe calls are allowed.
struct Image {
  std::vector<std::string> arguments;
  std::vector<std::string> environment;
  std::vector<char*> argv;
  std::vector<char*> envp;
};

// The service manager's variables belong to the control process alone; systemd.exec(5), sd_listen_fds(3).
bool belongs_to_manager(std::string_view entry) {
  constexpr std::array<std::string_view, 6> names{
      "NOTIFY_SOCKET=", "LISTEN_PID=", "LISTEN_FDS=", "LISTEN_FDNAMES=", "WATCHDOG_USEC=", "WATCHDOG_PID="};
  for (const auto name : names) {
    if (entry.starts_with(name)) return true;
  }
  return false;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (auto& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

void make_image(Image& image, Room room) {
  image.arguments = {fmt::format("lvsd: {}", room_name(room)), fmt::format("--room={}", room_name(room)),
                     fmt::format("--channel-fd={}", kChannelFd), fmt::format("--parent={}", getpid())};
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (!belongs_to_manager(*entry)) image.environment.emplace_back(*entry);
  }
  image.argv = pointers(image.arguments);
  image.envp = pointers(image.environment);
}

[[noreturn]] void become_room(const Image& image, int channel) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  // Ctrl-C reaches the whole foreground group; the rooms are stopped in order by the control process.
  signal(SIGINT, SIG_IGN);
  signal(SIGPIPE, SIG_IGN);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  const bool placed = channel == kChannelFd ? fcntl(channel, F_SETFD, 0) == 0 : dup2(channel, kChannelFd) >= 0;
  if (placed && close_range(kChannelFd + 1, ~0U, 0) == 0)
    execve("/proc/self/exe", image.argv.data(), image.envp.data());
  _exit(127);
}

}  // namespace

base::Result<Child> spawn_room(Room room, int channel) {
  Image image;
  make_image(image, room);
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);  // no handler of ours may run in the child
  const pid_t pid = fork();
  if (pid == 0) become_room(image, channel);
  const int fork_error = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) return base::fail_errno("fork", fork_error);
  Child child{pid, base::UniqueFd{static_cast<int>(syscall(SYS_pidfd_open, pid, 0))}};
  if (!child.pidfd) {
    const int error = errno;
    ::kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
    return base::fail_errno("pidfd_open", error);
  }
  return child;
}

}  // namespace lvsd::daemon

#include "daemon/scripts/launcher.hpp"

#include <array>
#include <csignal>
#include <cstdlib>

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace lvsd::daemon::scripts {
namespace {

constexpr int kFailureFd = 3;
constexpr int kLastCapability = 63;
constexpr const char* kOwnUser = "lvsd-script";
constexpr const char* kPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

// Everything the child needs, made before fork: then only async-signal-safe calls are allowed.
struct Image {
  std::vector<char*> argv;
  std::vector<char*> envp;
  int output = -1;
  int failure = -1;
  pid_t parent = 0;
};

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (auto& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

bool place_descriptors(const Image& image) {
  const int null = ::open("/dev/null", O_RDONLY);
  if (null < 0 || dup2(null, STDIN_FILENO) < 0) return false;
  // The failure pipe moves out of the way first, in case it holds one of the numbers.
  const int failure = fcntl(image.failure, F_DUPFD_CLOEXEC, kFailureFd + 1);
  if (failure < 0 || dup2(image.output, STDOUT_FILENO) < 0 || dup2(image.output, STDERR_FILENO) < 0) return false;
  return dup3(failure, kFailureFd, O_CLOEXEC) >= 0 && close_range(kFailureFd + 1, ~0U, 0) == 0;
}

// Children of lvsd are spared by the OOM killer and may open many files; a script is like any other program.
void be_ordinary() {
  const int score = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (score >= 0) {
    static_cast<void>(!::write(score, "0", 1));
    ::close(score);
  }
  const rlimit no_core{0, 0};
  const rlimit files{1024, 1024};
  setrlimit(RLIMIT_CORE, &no_core);
  setrlimit(RLIMIT_NOFILE, &files);
  umask(022);
}

void default_signals() {
  for (int number = 1; number < NSIG; ++number) signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

bool drop_capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> none{};
  return syscall(SYS_capset, &header, none.data()) == 0;
}

// The bounding set goes first, or an exec by root would bring capabilities back.
bool become(const Identity& who) {
  if (geteuid() == 0) {
    for (int capability = 0; capability <= kLastCapability; ++capability) prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
    if (setgroups(who.groups.size(), who.groups.data()) != 0) return false;
    if (setresgid(who.gid, who.gid, who.gid) != 0 || setresuid(who.uid, who.uid, who.uid) != 0) return false;
  }
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  return drop_capabilities() && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

[[noreturn]] void become_program(const Program& program, const Image& image) {
  setsid();
  default_signals();
  if (!place_descriptors(image)) _exit(127);
  be_ordinary();
  // A change of credentials clears the parent death signal, so it comes after.
  if (chdir("/") == 0 && become(program.identity) && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == image.parent)
    execve(program.path.c_str(), image.argv.data(), image.envp.data());
  const int why = errno;
  static_cast<void>(!::write(kFailureFd, &why, sizeof why));
  _exit(127);
}

std::vector<gid_t> groups_of(const passwd& entry) {
  std::array<gid_t, 64> groups;
  int count = groups.size();
  if (getgrouplist(entry.pw_name, entry.pw_gid, groups.data(), &count) < 0) return {entry.pw_gid};
  return {groups.begin(), groups.begin() + count};
}

}  // namespace

base::Result<Identity> identity_of(const std::string& user) {
  if (geteuid() != 0) return Identity{geteuid(), getegid(), {}};
  const auto* entry = getpwnam(user.empty() ? kOwnUser : user.c_str());
  if (!entry && user.empty()) entry = getpwnam("nobody");
  if (!entry) return base::fail(fmt::format("there is no user \"{}\"", user.empty() ? kOwnUser : user));
  return Identity{entry->pw_uid, entry->pw_gid, groups_of(*entry)};
}

base::Result<Launched> launch(Program program) {
  std::array<int, 2> output{-1, -1};
  std::array<int, 2> failure{-1, -1};
  if (pipe2(output.data(), O_CLOEXEC) != 0) return base::fail_errno("pipe");
  Launched launched{-1, {}, base::UniqueFd{output[0]}, {}};
  const base::UniqueFd output_end{output[1]};
  if (pipe2(failure.data(), O_CLOEXEC | O_NONBLOCK) != 0) return base::fail_errno("pipe");
  launched.failure = base::UniqueFd{failure[0]};
  const base::UniqueFd failure_end{failure[1]};
  fcntl(launched.output.get(), F_SETFL, O_NONBLOCK);

  program.environment.insert(program.environment.begin(), {kPath, "LANG=C.UTF-8"});
  const Image image{pointers(program.arguments), pointers(program.environment), output_end.get(), failure_end.get(),
                    getpid()};
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);  // no handler of ours may run in the child
  launched.pid = fork();
  if (launched.pid == 0) become_program(program, image);
  const int fork_error = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (launched.pid < 0) return base::fail_errno("fork", fork_error);
  launched.pidfd = base::UniqueFd{static_cast<int>(syscall(SYS_pidfd_open, launched.pid, 0))};
  if (launched.pidfd) return launched;
  const int error = errno;
  ::kill(launched.pid, SIGKILL);
  waitpid(launched.pid, nullptr, 0);
  return base::fail_errno("pidfd_open", error);
}

}  // namespace lvsd::daemon::scripts

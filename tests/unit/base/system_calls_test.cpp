#include "base/system_calls.hpp"

#include <csignal>
#include <functional>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace lvsd::base {
namespace {

constexpr std::string_view kFew[] = {"exit_group", "exit", "write", "close", "read", "rt_sigreturn", "futex", "brk"};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kFiltered = false;
#else
constexpr bool kFiltered = true;
#endif

// How a process ends that is limited and then does `act`: its exit code, or minus its signal.
int end_of(const std::function<int()>& act, bool kill = false) {
  const pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (kill) setenv("LVSD_SECCOMP", "kill", 1);
    if (!allow_only({kFew, true, true})) _exit(99);
    _exit(act());
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

int failed_with(long result) { return result < 0 ? errno : 0; }

class SystemCallFilter : public testing::Test {
 protected:
  void SetUp() override {
    if (!kFiltered) GTEST_SKIP() << "sanitizers make calls of their own";
  }
};

TEST_F(SystemCallFilter, LetsReadFilesAndTalkToServers) {
  EXPECT_EQ(end_of([] { return failed_with(open("/etc/passwd", O_RDONLY)); }), 0);
  EXPECT_EQ(end_of([] { return failed_with(socket(AF_INET, SOCK_STREAM, 0)); }), 0);
  EXPECT_EQ(end_of([] { return failed_with(socket(AF_INET6, SOCK_DGRAM, 0)); }), 0);
}

TEST_F(SystemCallFilter, RefusesTheRest) {
  EXPECT_EQ(end_of([] { return failed_with(open("/dev/null", O_WRONLY)); }), EPERM);
  EXPECT_EQ(end_of([] { return failed_with(open("/tmp/x", O_RDONLY | O_CREAT, 0600)); }), EPERM);
  EXPECT_EQ(end_of([] { return failed_with(socket(AF_NETLINK, SOCK_RAW, 0)); }), EPERM);
  EXPECT_EQ(end_of([] { return failed_with(socket(AF_PACKET, SOCK_RAW, 0)); }), EPERM);
  EXPECT_EQ(end_of([] { return failed_with(fork()); }), EPERM);
  EXPECT_EQ(end_of([] { return failed_with(execl("/bin/true", "true", nullptr)); }), EPERM);
  EXPECT_EQ(end_of([] { return failed_with(::kill(getppid(), 0)); }), EPERM);
}

TEST_F(SystemCallFilter, KillsWhereTestsWantToKnow) {
  EXPECT_EQ(end_of([] { return failed_with(fork()); }, true), -SIGSYS);
}

TEST_F(SystemCallFilter, TellsOfANameThatIsNone) {
  constexpr std::string_view names[] = {"no_such_call"};
  const auto limited = allow_only({names});
  ASSERT_FALSE(limited);
  EXPECT_EQ(limited.error().text, "unknown system call no_such_call");
}

}  // namespace
}  // namespace lvsd::base

#include "daemon/scripts/trusted_path.hpp"

#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

namespace lvsd::daemon::scripts {
namespace {

using testing::HasSubstr;

std::string why_not(const std::string& path) {
  const auto trusted = trusted_program(path);
  return trusted ? "" : trusted.error().text;
}

// A folder that nobody but root can change: only root can make one.
class TrustedPath : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root";
    std::filesystem::create_directories(folder + "/sub");
    std::filesystem::permissions(folder, std::filesystem::perms{0755});
    std::filesystem::permissions(folder + "/sub", std::filesystem::perms{0755});
    std::ofstream{script} << "#!/bin/sh\n";
    mode(0755);
  }
  void TearDown() override { std::filesystem::remove_all(folder); }
  void mode(unsigned bits) const { ::chmod(script.c_str(), bits); }

  std::string folder = fmt::format("/run/lvsd-trusted-{}", getpid());
  std::string script = folder + "/sub/script";
};

TEST(TrustedProgram, IsOneOfTheSystem) {
  EXPECT_EQ(trusted_program("/usr/bin/env").value(), "/usr/bin/env");
  EXPECT_EQ(trusted_program("/usr//bin/./../bin/env").value(), "/usr/bin/env");
}

TEST(TrustedProgram, IsNamedWithItsLinksResolved) {
  char resolved[4096];
  EXPECT_EQ(trusted_program("/bin/sh").value(), ::realpath("/bin/sh", resolved));
}

TEST(TrustedProgram, IsNothingElse) {
  EXPECT_EQ(why_not("bin/sh"), "bin/sh is not an absolute path");
  EXPECT_EQ(why_not("/usr/bin"), "/usr/bin is not a regular file");
  EXPECT_EQ(why_not("/etc/passwd"), "/etc/passwd is not executable: chmod a+x /etc/passwd");
  EXPECT_EQ(why_not("/usr/bin/no_such_program"), "/usr/bin/no_such_program: No such file or directory");
  EXPECT_THAT(why_not("/usr/bin/env/x"), HasSubstr("Not a directory"));
  EXPECT_EQ(why_not("/tmp/x"), "/tmp is writable by everyone: chmod o-w /tmp");
}

TEST_F(TrustedPath, IsRefusedWhereOthersMayWrite) {
  EXPECT_EQ(trusted_program(script).value(), script);
  mode(0775);
  EXPECT_EQ(why_not(script), fmt::format("{0} is writable by its group: chmod g-w {0}", script));
  mode(0757);
  EXPECT_EQ(why_not(script), fmt::format("{0} is writable by everyone: chmod o-w {0}", script));
  mode(0755);
  ::chmod((folder + "/sub").c_str(), 0775);
  EXPECT_EQ(why_not(script), fmt::format("{0}/sub is writable by its group: chmod g-w {0}/sub", folder));
}

TEST_F(TrustedPath, IsRefusedWhereItBelongsToOthers) {
  ASSERT_EQ(::chown(script.c_str(), 65534, 0), 0);
  EXPECT_EQ(why_not(script), fmt::format("{0} does not belong to root: chown root {0}", script));
  ASSERT_EQ(::chown(script.c_str(), 0, 0), 0);
  ASSERT_EQ(::chown((folder + "/sub").c_str(), 65534, 0), 0);
  EXPECT_EQ(why_not(script), fmt::format("{0}/sub does not belong to root: chown root {0}/sub", folder));
}

TEST_F(TrustedPath, LooksBehindLinks) {
  std::filesystem::create_symlink("sub/script", folder + "/near");
  std::filesystem::create_symlink("/tmp/elsewhere", folder + "/far");
  std::filesystem::create_symlink("loop", folder + "/loop");
  EXPECT_EQ(trusted_program(folder + "/near").value(), script);
  EXPECT_EQ(why_not(folder + "/far"), "/tmp is writable by everyone: chmod o-w /tmp");
  EXPECT_EQ(why_not(folder + "/loop"), folder + "/loop: too many symbolic links");
  ASSERT_EQ(::lchown((folder + "/near").c_str(), 65534, 0), 0);
  EXPECT_THAT(why_not(folder + "/near"), HasSubstr("near does not belong to root"));
}

}  // namespace
}  // namespace lvsd::daemon::scripts

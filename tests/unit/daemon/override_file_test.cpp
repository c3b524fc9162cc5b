#include "daemon/override_file.hpp"

#include <filesystem>
#include <fstream>

#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>

#include "daemon/user_name.hpp"

namespace lvsd::daemon {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class OverrideFileTest : public testing::Test {
 protected:
  OverrideFileTest() {
    char pattern[] = "/tmp/lvsd-overrides-XXXXXX";
    directory = mkdtemp(pattern);
    state = directory / "state";
  }
  ~OverrideFileTest() override { fs::remove_all(directory); }

  base::Result<void> write(const OverrideList& list) {
    boost::asio::io_context loop;
    auto work = boost::asio::make_work_guard(loop);
    base::Result<void> result;
    OverrideFile file{loop, state};
    file.write(list, [&](const base::Result<void>& done) {
      result = done;
      work.reset();
    });
    loop.run();
    return result;
  }

  fs::path directory;
  fs::path state;
  OverrideList one{{{"web/rs1", "drain", "", "alice", "disk", 1, 0}}};
};

TEST_F(OverrideFileTest, KeepsWhatWasWrittenLast) {
  EXPECT_EQ(read_overrides(state).list, OverrideList{});
  EXPECT_EQ(read_overrides(state).problem, "") << "nothing was ever kept";
  ASSERT_TRUE(write(one));
  one.overrides.push_back({"web/rs2", "weight", "50%", "bob", "", 2, 3});
  ASSERT_TRUE(write(one));
  EXPECT_EQ(read_overrides(state).list, one);
  EXPECT_EQ(fs::status(state / "overrides.json").permissions(), fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_EQ(std::distance(fs::directory_iterator{state}, {}), 1) << "nothing else is left behind";
}

TEST_F(OverrideFileTest, ADamagedFileIsSetAsideAndTold) {
  fs::create_directory(state);
  std::ofstream{state / "overrides.json"} << "{\"version\":1,";
  const auto kept = read_overrides(state);
  EXPECT_EQ(kept.list, OverrideList{});
  EXPECT_THAT(kept.problem, HasSubstr("overrides.json.damaged"));
  EXPECT_TRUE(fs::exists(state / "overrides.json.damaged"));
  EXPECT_EQ(read_overrides(state).problem, "") << "once";
}

TEST_F(OverrideFileTest, LinksDevicesAndHugeFilesAreNotRead) {
  ASSERT_TRUE(write(one));
  fs::rename(state / "overrides.json", directory / "elsewhere");
  fs::create_symlink(directory / "elsewhere", state / "overrides.json");
  EXPECT_THAT(read_overrides(state).problem, HasSubstr("symbolic links"));
  fs::remove_all(state / "overrides.json.damaged");
  fs::create_directory(state / "overrides.json");
  EXPECT_NE(read_overrides(state).problem, "");
  fs::remove_all(state / "overrides.json.damaged");
  std::ofstream{state / "overrides.json"};
  fs::resize_file(state / "overrides.json", kMostOverrideBytes + 1);
  EXPECT_THAT(read_overrides(state).problem, HasSubstr("too large"));
}

TEST_F(OverrideFileTest, APlantedLinkIsReplacedNotFollowed) {
  fs::create_directory(state);
  std::ofstream{directory / "victim"} << "precious";
  fs::create_symlink(directory / "victim", state / "overrides.json.new");
  fs::create_symlink(directory / "victim", state / "overrides.json");
  ASSERT_TRUE(write(one));
  EXPECT_EQ(read_overrides(state).list, one);
  std::string text;
  std::ifstream{directory / "victim"} >> text;
  EXPECT_EQ(text, "precious");
}

TEST_F(OverrideFileTest, WhatCannotBeWrittenIsAnError) {
  std::ofstream{state} << "a file where the directory should be";
  EXPECT_FALSE(write(one));
}

TEST_F(OverrideFileTest, UsersAreNamedFromThePasswdFile) {
  const auto passwd = (directory / "passwd").string();
  std::ofstream{passwd} << "root:x:0:0::/:/bin/sh\nalice:x:1001:1001::/:/bin/sh\n";
  EXPECT_EQ(user_name(1001, passwd.c_str()), "alice");
  EXPECT_EQ(user_name(1002, passwd.c_str()), "uid 1002");
  EXPECT_EQ(user_name(1002, "/nonexistent"), "uid 1002");
}

}  // namespace
}  // namespace lvsd::daemon

#include "daemon/event_fifo.hpp"

#include <array>
#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace lvsd::daemon {
namespace {

class Fifo : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "lvsd_fifo_XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    directory_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }
  std::string path(const std::string& name) const { return directory_ + "/" + name; }

  std::string directory_;
};

TEST_F(Fifo, IsMadeAndKeepsLinesUntilSomebodyReads) {
  EventFifo fifo;
  ASSERT_TRUE(fifo.open(path("events")));
  fifo.write("INSTANCE \"front\" MASTER 150\n");
  base::UniqueFd reader{::open(path("events").c_str(), O_RDONLY | O_NONBLOCK)};
  std::array<char, 64> buffer{};
  const auto got = ::read(reader.get(), buffer.data(), buffer.size());
  ASSERT_GT(got, 0);
  EXPECT_EQ(std::string(buffer.data(), static_cast<std::size_t>(got)), "INSTANCE \"front\" MASTER 150\n");
}

TEST_F(Fifo, DropsWholeLinesAndCountsThemWhenNobodyReads) {
  EventFifo fifo;
  ASSERT_TRUE(fifo.open(path("events")));
  const std::string line(1000, 'x');
  for (int i = 0; i < 200; ++i) fifo.write(line);
  EXPECT_GT(fifo.dropped(), 100u);
  EXPECT_LT(fifo.dropped(), 200u);
}

TEST_F(Fifo, RefusesWhatIsNoPipe) {
  std::ofstream{path("file")} << "precious";
  EventFifo fifo;
  EXPECT_EQ(fifo.open(path("file")).error().text, path("file") + " is not a named pipe");
  fifo.write("line\n");
  std::filesystem::create_symlink(path("file"), path("link"));
  EXPECT_FALSE(fifo.open(path("link")));
  std::string text;
  std::ifstream{path("file")} >> text;
  EXPECT_EQ(text, "precious");
}

}  // namespace
}  // namespace lvsd::daemon

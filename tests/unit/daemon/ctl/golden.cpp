#include "tests/unit/daemon/ctl/golden.hpp"

#include <cstdlib>
#include <fstream>
#include <sstream>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace lvsd::ctl::test {

std::string read_source_file(std::string_view path) {
  std::ifstream in{fmt::format("{}/{}", LVSD_SOURCE_DIR, path)};
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

void expect_golden(std::string_view file, const std::string& text) {
  const auto path = fmt::format("tests/unit/daemon/ctl/golden/{}", file);
  if (std::getenv("LVSD_WRITE_GOLDEN")) {
    std::ofstream{fmt::format("{}/{}", LVSD_SOURCE_DIR, path)} << text;
    return;
  }
  EXPECT_EQ(text, read_source_file(path)) << path;
}

}  // namespace lvsd::ctl::test

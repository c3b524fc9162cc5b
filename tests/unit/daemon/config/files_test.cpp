// The files that ship, and files that must be refused word for word (tests/config).
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fixture.hpp"

namespace lvsd::daemon {
namespace {

const std::string kSource = LVSD_SOURCE_DIR;

std::vector<std::string> conf_files(const std::string& folder) {
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator(kSource + folder)) {
    if (entry.path().extension() == ".conf") out.push_back(entry.path());
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::string text_of(const std::string& path) {
  std::stringstream text;
  text << std::ifstream{path}.rdbuf();
  return text.str();
}

void expect_good(const std::string& path) {
  const bool pair = text_of(path).find("[node lvs1]") != std::string::npos;
  for (const auto& node : pair ? std::vector<std::string>{"lvs1", "lvs2"} : std::vector<std::string>{""}) {
    auto sources = one_file(text_of(path), node);
    const auto outcome = parse(sources);
    EXPECT_TRUE(outcome.config && outcome.diagnostics.empty()) << path << " on " << node << "\n"
                                                               << render(outcome.diagnostics, sources);
  }
}

TEST(Files, TheSampleAndTheExamplesAreValidOnEveryNodeWithoutAWarning) {
  expect_good(kSource + "/etc/lvsd.conf");
  const auto examples = conf_files("/etc/examples");
  EXPECT_GE(examples.size(), 6u);
  for (const auto& path : examples) expect_good(path);
}

TEST(Files, GoodFilesAreTaken) {
  for (const auto& path : conf_files("/tests/config/good")) expect_good(path);
}

// "# 4:1 error: …" lines after "# Expected" or "# Expected on node NAME".
TEST(Files, BadFilesAreRefusedWithExactlyTheExpectedDiagnostics) {
  const auto files = conf_files("/tests/config/bad");
  EXPECT_GE(files.size(), 8u);
  for (const auto& path : files) {
    const auto text = text_of(path);
    std::istringstream lines{text.substr(text.find("# Expected"))};
    std::string line;
    std::getline(lines, line);
    const auto on = line.find(" on node ");
    const auto node = on == std::string::npos ? "" : line.substr(on + 9, line.size() - on - 10);
    std::vector<std::string> expected;
    while (std::getline(lines, line)) expected.push_back(line.substr(2));
    const auto outcome = parse_text(text, node);
    EXPECT_FALSE(outcome.config) << path;
    EXPECT_THAT(said(outcome.diagnostics), testing::ElementsAreArray(expected)) << path;
  }
}

TEST(Files, TheDesignsExampleLacksOnlyWhatIsNotSupportedYet) {
  EXPECT_THAT(said_of(text_of(kSource + "/tests/config/design.conf"), "lvs1"),
              testing::ElementsAre("52:1 error: \"max_connections\" in [real_server shop/app3] is not supported yet"));
}

}  // namespace
}  // namespace lvsd::daemon

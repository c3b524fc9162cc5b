#include "daemon/ctl/help.hpp"

#include <cstdio>
#include <fstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include "tests/unit/daemon/ctl/golden.hpp"

namespace lvsd::ctl {
namespace {

using namespace lvsd::ctl::test;

using ::testing::HasSubstr;

// What bash would offer for the last of these words.
std::string completed(const std::vector<std::string>& words) {
  const auto path = ::testing::TempDir() + fmt::format("lvsctl_completion_{}", ::getpid());
  std::ofstream{path} << bash_completion();
  std::string script = "source " + path +
                       "; lvsctl() { case \"$*\" in *vs) echo web,x;; *rs) echo web/rs1,y;; *vrrp) echo front,z;; "
                       "esac; }; COMP_WORDS=(lvsctl";
  for (const auto& word : words) script += " '" + word + "'";
  script += fmt::format("); COMP_CWORD={}; _lvsctl; printf \"%s \" \"${{COMPREPLY[@]}}\"", words.size());
  std::ofstream{path + ".sh"} << script;
  std::FILE* pipe = ::popen(fmt::format("bash {}.sh 2>&1", path).c_str(), "r");
  std::string out;
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) out += static_cast<char>(c);
  EXPECT_EQ(::pclose(pipe), 0);
  ::unlink(path.c_str());
  ::unlink((path + ".sh").c_str());
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

TEST(Help, ListsEveryCommandAndOption) {
  expect_golden("help.txt", help_text());
  for (const auto& c : commands()) EXPECT_THAT(help_text(), HasSubstr(c.name()));
}

TEST(Help, ExplainsEachCommand) {
  expect_golden("help_vs.txt", help_text(**find_command("vs", "")));
  for (const auto& c : commands()) {
    EXPECT_THAT(help_text(c), HasSubstr("Usage: lvsctl " + c.name()));
    for (const auto id : c.options) EXPECT_THAT(help_text(c), HasSubstr("--" + std::string{option(id).name}));
  }
}

TEST(Help, LinesFitAScreenOfAHundredColumns) {
  std::string all = help_text();
  for (const auto& c : commands()) all += help_text(c);
  std::istringstream lines{all};
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 120u) << line;
}

TEST(CommandTable, OptionsStandInTheOrderOfTheirIds) {
  for (std::size_t i = 0; i < options().size(); ++i) EXPECT_EQ(static_cast<std::size_t>(options()[i].id), i);
}

TEST(Completion, KnowsCommandsOptionsAndNames) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases{
      {{"v"}, "vs vrrp version"},
      {{"config", ""}, "check show diff reload"},
      {{"config", "d"}, "diff"},
      {{"-o", ""}, "table wide json csv"},
      {{"vs", "-o", "c"}, "csv"},
      {{"vs", "--ra"}, "--rate"},
      {{"drops", "--ra"}, ""},
      {{"vs", "--js"}, "--json"},
      {{"vs", "w"}, "web"},
      {{"service", "w"}, "web"},
      {{"-s", "/tmp/x", "rs", "web/"}, "web/rs1"},
      {{"vrrp", ""}, "front"},
      {{"conn", "ser"}, "service= server="},
      {{"conn", "--count-by", ""}, "client rs state"},
      {{"help", "ip"}, "ipvsadm"},
      {{"completion", ""}, "bash"}};
  for (const auto& [words, offered] : cases) EXPECT_EQ(completed(words), offered) << ::testing::PrintToString(words);
}

}  // namespace
}  // namespace lvsd::ctl

#include "daemon/ctl/command_line.hpp"

#include <gmock/gmock.h>

namespace lvsd::ctl {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using namespace std::chrono_literals;

Invocation parsed(const std::vector<std::string>& arguments) {
  auto invocation = parse_command_line(arguments);
  EXPECT_TRUE(invocation) << (invocation ? "" : invocation.error().text);
  return invocation ? *invocation : Invocation{};
}

std::string error_of(const std::vector<std::string>& arguments) {
  const auto invocation = parse_command_line(arguments);
  return invocation ? "(no error)" : invocation.error().text;
}

TEST(CommandLine, WithoutWordsMeansStatus) { EXPECT_EQ(parsed({}).command->action, Action::Status); }

TEST(CommandLine, UniqueBeginningsAndAliasesChooseTheCommand) {
  const std::vector<std::pair<std::vector<std::string>, Action>> cases{{{"st"}, Action::Status},
                                                                       {{"vs"}, Action::VirtualServers},
                                                                       {{"service"}, Action::VirtualServers},
                                                                       {{"ser", "x"}, Action::Help},
                                                                       {{"serve"}, Action::RealServers},
                                                                       {{"ch"}, Action::Checks},
                                                                       {{"conn"}, Action::Connections},
                                                                       {{"con", "d"}, Action::ConfigDiff},
                                                                       {{"config", "c", "f"}, Action::ConfigCheck},
                                                                       {{"config", "s"}, Action::ConfigShow},
                                                                       {{"config", "reload"}, Action::Reload},
                                                                       {{"rel"}, Action::Reload},
                                                                       {{"dro"}, Action::Drops},
                                                                       {{"i", "-Ln"}, Action::Ipvsadm},
                                                                       {{"-V"}, Action::Version}};
  for (const auto& [words, action] : cases) {
    if (words[0] == "ser" || words[0] == "con") continue;  // ambiguous, see below
    EXPECT_EQ(parsed(words).command->action, action) << words[0];
  }
}

TEST(CommandLine, AmbiguousAndUnknownWordsNameTheCandidates) {
  EXPECT_EQ(error_of({"con"}), "command \"con\" is ambiguous: conn, config");
  EXPECT_EQ(error_of({"ser"}), "command \"ser\" is ambiguous: service, server");
  EXPECT_EQ(error_of({"stauts"}), "unknown command \"stauts\"; did you mean \"status\"?");
  EXPECT_EQ(error_of({"frobnicate"}), "unknown command \"frobnicate\"; lvsctl help lists the commands");
  EXPECT_EQ(error_of({"config"}), "\"config\" needs one of: check, show, diff, reload");
  EXPECT_EQ(error_of({"config", "chekc"}), "unknown config command \"chekc\"; did you mean \"check\"?");
}

TEST(CommandLine, OptionsMayStandBeforeAndBehindTheCommand) {
  const auto i = parsed({"-j", "vs", "web", "--rate", "-s", "/tmp/x.sock", "--timeout", "3"});
  EXPECT_EQ(i.format, Format::Json);
  EXPECT_TRUE(i.rate);
  EXPECT_EQ(i.socket, "/tmp/x.sock");
  EXPECT_EQ(i.timeout, 3s);
  EXPECT_THAT(i.arguments, ElementsAre("web"));
  EXPECT_EQ(parsed({"vs", "-o", "csv", "-Hq"}).format, Format::Csv);
}

TEST(CommandLine, WatchTakesItsIntervalInEveryUsualForm) {
  EXPECT_EQ(parsed({"-w", "vs"}).watch, 2s);
  EXPECT_EQ(parsed({"vs", "-w", "5"}).watch, 5s);
  EXPECT_EQ(parsed({"vs", "-w5"}).watch, 5s);
  EXPECT_EQ(parsed({"vs", "--watch=500ms", "--count", "3"}).watch, 500ms);
  EXPECT_EQ(parsed({"vs", "-w", "5", "web"}).arguments, std::vector<std::string>{"web"});
  EXPECT_FALSE(parsed({"vs"}).watch);
  EXPECT_THAT(error_of({"vs", "-w", "0"}), HasSubstr("less than 100ms"));
  EXPECT_THAT(error_of({"vs", "--count", "3"}), HasSubstr("needs --watch"));
  EXPECT_THAT(error_of({"reload", "-w"}), HasSubstr("cannot be repeated"));
}

TEST(CommandLine, WhatFollowsIpvsadmIsItsOwn) {
  const auto i = parsed({"-q", "ipvsadm", "-Ln", "--rate", "-w", "-j"});
  EXPECT_THAT(i.arguments, ElementsAre("-Ln", "--rate", "-w", "-j"));
  EXPECT_EQ(i.format, Format::Table);
  EXPECT_FALSE(i.watch);
}

TEST(CommandLine, WrongOptionsAreExplained) {
  EXPECT_EQ(error_of({"vs", "--ratt"}), "unknown option \"--ratt\"; did you mean \"--rate\"?");
  EXPECT_EQ(error_of({"-Z", "vs"}), "unknown option \"-Z\"");
  EXPECT_EQ(error_of({"vs", "--socket"}), "option \"--socket\" needs an argument");
  EXPECT_EQ(error_of({"vs", "-s"}), "option \"-s\" needs an argument");
  EXPECT_EQ(error_of({"drops", "--rate"}), "option --rate does not belong to \"drops\"");
  EXPECT_EQ(error_of({"-o", "xml", "vs"}), "option --output: \"xml\" is none of: table wide json csv");
  EXPECT_EQ(error_of({"checks", "--history", "33"}), "option --history: \"33\" is not a number from 1 to 32");
  EXPECT_EQ(error_of({"vs", "--rate", "--stats"}), "choose one of --stats and --rate");
  EXPECT_EQ(error_of({"metrics", "-j"}), "\"metrics\" has no JSON form");
  EXPECT_EQ(error_of({"status", "-o", "csv"}), "\"status\" has no table form: leave out -o");
  EXPECT_THAT(error_of({"drops", "x"}), HasSubstr("takes no argument"));
  EXPECT_THAT(error_of({"vrrp", "a", "b"}), HasSubstr("\"b\" is one too many"));
  EXPECT_THAT(error_of({"vs", "--timeout", "soon"}), HasSubstr("option --timeout: \"soon\" is not a duration"));
}

TEST(CommandLine, TwoDashesEndTheOptions) { EXPECT_THAT(parsed({"vs", "--", "-j"}).arguments, ElementsAre("-j")); }

TEST(CommandLine, HelpBelongsToTheCommandBesideIt) {
  const auto i = parsed({"vs", "--help"});
  EXPECT_TRUE(i.help);
  EXPECT_EQ(i.command->action, Action::VirtualServers);
  EXPECT_EQ(parsed({"--help"}).command->action, Action::Help);
}

TEST(CommandLine, CanBeReadManyTimesInOneProcess) {
  EXPECT_THAT(parsed({"vs", "a"}).arguments, ElementsAre("a"));
  EXPECT_THAT(parsed({"vs"}).arguments, IsEmpty());
  EXPECT_THAT(parsed({"-q", "vs", "b"}).arguments, ElementsAre("b"));
}

}  // namespace
}  // namespace lvsd::ctl

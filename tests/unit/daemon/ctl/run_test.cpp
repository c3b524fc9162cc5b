#include "daemon/ctl/run.hpp"

#include <filesystem>
#include <fstream>
#include <map>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "tests/unit/daemon/ctl/canned_daemon.hpp"
#include "tests/unit/daemon/ctl/golden.hpp"
#include "tests/unit/daemon/ctl/samples.hpp"

namespace lvsd::ctl {
namespace {

using namespace lvsd::ctl::test;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST_F(Run, PrintsDataOnStdoutAndEndsWithZero) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases{
      {{}, "Attention (3)"},
      {{"status"}, "lvs1      lvsd 0.1.0"},
      {{"vs"}, "NAME"},
      {{"vs", "--stats"}, "IN BYTES"},
      {{"vs", "--rate"}, "CPS"},
      {{"rs"}, "web/rs2"},
      {{"checks"}, "HISTORY"},
      {{"checks", "web/rs2"}, "why"},
      {{"vrrp"}, "INSTANCE"},
      {{"vrrp", "front"}, "VRID 51"},
      {{"conn"}, "ESTABLISHED"},
      {{"conn", "--count-by", "rs"}, "web/rs1"},
      {{"drops"}, "no_server"},
      {{"reload"}, "a41c77f is in force"},
      {{"metrics"}, "lvsd_up 1"},
      {{"ipvsadm", "-Ln"}, "IP Virtual Server"},
      {{"ipvsadm", "-Lnc"}, "IPVS connection entries"},
      {{"version"}, "lvsctl " LVSD_VERSION},
      {{"help"}, "Usage:"},
      {{"help", "vs"}, "Usage: lvsctl vs"},
      {{"vs", "-h"}, "Usage: lvsctl vs"},
      {{"completion", "bash"}, "complete -F"}};
  for (const auto& [arguments, part] : cases) {
    EXPECT_EQ(lvsctl(arguments), 0) << ::testing::PrintToString(arguments) << err;
    EXPECT_THAT(out, HasSubstr(part)) << ::testing::PrintToString(arguments);
    EXPECT_EQ(err, "") << ::testing::PrintToString(arguments);
  }
}

TEST_F(Run, WrongUsageEndsWithTwoAndAsksNobody) {
  for (const auto& arguments : std::vector<std::vector<std::string>>{{"frobnicate"},
                                                                     {"vs", "--what"},
                                                                     {"conn", "port=80"},
                                                                     {"conn", "client=nobody"},
                                                                     {"conn", "limit=0"},
                                                                     {"conn", "service="},
                                                                     {"ipvsadm", "-A"},
                                                                     {"completion", "tcsh"},
                                                                     {"help", "nothing"}}) {
    EXPECT_EQ(lvsctl(arguments), 2) << ::testing::PrintToString(arguments);
    EXPECT_EQ(out, "");
    EXPECT_THAT(err, StartsWith("lvsctl: "));
    EXPECT_THAT(requests, ElementsAre());
  }
}

TEST_F(Run, AnUnreachableDaemonEndsWithThreeAndSaysWhatToDo) {
  unreachable = "connect: No such file or directory";
  EXPECT_EQ(lvsctl({"status"}), 3);
  EXPECT_EQ(err,
            "lvsctl: cannot reach lvsd at /run/lvsd/lvsd.sock: No such file or directory; is it running? systemctl "
            "status lvsd\n");
  EXPECT_EQ(out, "");
  EXPECT_EQ(lvsctl({"status", "--exit-code", "-s", "/tmp/x"}), 3);
  EXPECT_THAT(err, HasSubstr("at /tmp/x:"));
  EXPECT_EQ(lvsctl({"-j", "vs"}), 3);
  EXPECT_EQ(
      err,
      R"({"error":{"code":"unreachable","message":"cannot reach lvsd at /run/lvsd/lvsd.sock: No such file or directory","hint":"is it running? systemctl status lvsd"}})"
      "\n");
}

TEST_F(Run, ASilentDaemonEndsWithSeven) {
  unreachable = "timed out after 10s";
  EXPECT_EQ(lvsctl({"vs"}), 7);
  EXPECT_THAT(err, HasSubstr("did not answer: timed out after 10s"));
}

TEST_F(Run, UnknownNamesEndWithFive) {
  EXPECT_EQ(lvsctl({"vs", "wbe"}), 5);
  EXPECT_EQ(err, "lvsctl: no virtual server matches \"wbe\"; did you mean \"web\"?\n");
  EXPECT_EQ(lvsctl({"rs", "web/rs9"}), 5);
  EXPECT_EQ(lvsctl({"checks", "nowhere"}), 5);
  EXPECT_EQ(lvsctl({"vrrp", "fornt"}), 5);
  EXPECT_EQ(lvsctl({"ipvsadm", "-Ln", "-t", "192.0.2.77:80"}), 5);
  replies.erase("/api/v1/drops");
  EXPECT_EQ(lvsctl({"drops"}), 5);
  EXPECT_EQ(err, "lvsctl: no such page\n");
}

TEST_F(Run, NoConnectionOfAnUnknownServiceEndsWithFive) {
  replies["/api/v1/connections"] = {200, body(ipvs::Connections{})};
  EXPECT_EQ(lvsctl({"conn", "service=wbe"}), 5);
  EXPECT_EQ(err, "lvsctl: no virtual server matches \"wbe\"; did you mean \"web\"?\n");
  EXPECT_EQ(lvsctl({"conn", "server=web/rs9"}), 5);
  EXPECT_EQ(lvsctl({"conn", "service=web", "server=rs1"}), 0);
  EXPECT_EQ(out, "no connection\n");
}

TEST_F(Run, RepliesOfOtherStatusHaveTheirExitCodes) {
  const std::vector<std::pair<int, int>> cases{{500, 1}, {503, 1}, {403, 1}, {404, 5}, {409, 6}, {422, 4}, {504, 7}};
  for (const auto& [status, code] : cases) {
    replies["/api/v1/table"] = {status, R"({"error":{"code":"x","message":"because","hint":"do this"}})"};
    EXPECT_EQ(lvsctl({"vs"}), code) << status;
    EXPECT_EQ(err, "lvsctl: because; do this\n");
  }
}

TEST_F(Run, ReplyThatIsNotUnderstoodEndsWithOne) {
  replies["/api/v1/table"] = {200, "{}"};
  EXPECT_EQ(lvsctl({"vs"}), 1);
  EXPECT_THAT(err, HasSubstr("same version"));
}

TEST_F(Run, StatusExitCodeTellsTheState) {
  EXPECT_EQ(lvsctl({"status", "--exit-code"}), 2);
  replies["/api/v1/status"] = {200, body(quiet_overview())};
  EXPECT_EQ(lvsctl({"status", "--exit-code"}), 0);
  EXPECT_THAT(out, HasSubstr("nothing needs attention"));
}

TEST_F(Run, JsonIsTheRepliesBody) {
  for (const auto* word : {"status", "checks", "vrrp", "conn", "drops", "reload"}) {
    ASSERT_EQ(lvsctl({"-j", word}), 0) << word;
    const auto target = fmt::format("/api/v1/{}", std::string_view{word} == "conn" ? "connections" : word);
    EXPECT_EQ(out, replies[target].body + '\n') << word;
  }
  ASSERT_EQ(lvsctl({"-j", "vs"}), 0);
  EXPECT_EQ(out, replies["/api/v1/table"].body + '\n');
  ASSERT_EQ(lvsctl({"-o", "json", "checks", "web/rs2"}), 0);
  EXPECT_THAT(out, HasSubstr("10.0.0.12"));
  EXPECT_THAT(out, Not(HasSubstr("10.0.0.11")));
  ASSERT_EQ(lvsctl({"-j", "version"}), 0);
  EXPECT_EQ(out, "{\"schema\":1,\"lvsctl\":\"" LVSD_VERSION "\",\"lvsd\":\"0.1.0\",\"pid\":812}\n");
}

TEST_F(Run, FiltersOfConnectionsBecomeTheQuery) {
  lvsctl({"conn", "service=web", "client=2001:db8::1", "limit=5"});
  EXPECT_THAT(requests,
              ElementsAre("/run/lvsd/lvsd.sock GET /api/v1/connections?client=2001:db8::1&limit=5&service=web"));
  lvsctl({"conn", "server=web/r&s 1"});
  EXPECT_THAT(requests[0], EndsWith("/api/v1/connections?server=r%26s%201&service=web"));
}

TEST_F(Run, MoreConnectionsThanShownAreMentioned) {
  auto many = connections();
  many.total = 18'204;
  replies["/api/v1/connections"] = {200, body(many)};
  EXPECT_EQ(lvsctl({"conn"}), 0);
  EXPECT_EQ(err, "3 of 18204 connections; limit=N shows more\n");
  EXPECT_EQ(lvsctl({"-q", "conn"}), 0);
  EXPECT_EQ(err, "");
}

TEST_F(Run, WithoutCheckResultsTheTableIsStillShown) {
  replies["/api/v1/checks"] = {503, R"({"error":{"code":"room","message":"healthcheck is starting"}})"};
  EXPECT_EQ(lvsctl({"vs"}), 0);
  EXPECT_THAT(out, HasSubstr("10.0.0.11"));
  EXPECT_EQ(err, "the results of the checks are missing: healthcheck is starting\n");
}

TEST_F(Run, ReadsTheReadOnlySocketWhereOnlyThatMayBeUsed) {
  forbidden = kSocket;
  lvsctl({"drops"});
  EXPECT_THAT(requests, ElementsAre("/run/lvsd/ro.sock GET /api/v1/drops"));
  lvsctl({"reload"});
  EXPECT_THAT(requests, ElementsAre("/run/lvsd/lvsd.sock POST /api/v1/reload"));
}

TEST_F(Run, AFailedReloadEndsWithFourAndPrintsTheErrors) {
  daemon::ReloadResult failed{false, "3f9c2e1", "/etc/lvsd.conf:12:1: error: unknown key\n1 error\n", {}, 3};
  replies["/api/v1/reload"] = {422, body(failed)};
  EXPECT_EQ(lvsctl({"config", "reload"}), 4);
  EXPECT_EQ(out, "");
  EXPECT_EQ(err,
            "/etc/lvsd.conf:12:1: error: unknown key\n1 error\nlvsctl: the reload failed; nothing was changed, 3f9c2e1 "
            "stays in force\n");
  EXPECT_EQ(lvsctl({"-j", "reload"}), 4);
  EXPECT_THAT(out, HasSubstr("\"ok\":false"));
  replies["/api/v1/reload"] = {500, R"({"error":{"code":"x","message":"broken"}})"};
  EXPECT_EQ(lvsctl({"reload"}), 1);
}

TEST_F(Run, QuietReloadPrintsNothingWhenItWorked) {
  EXPECT_EQ(lvsctl({"-q", "reload"}), 0);
  EXPECT_EQ(out + err, "");
}

TEST_F(Run, VersionAnswersWithoutADaemon) {
  unreachable = "connect: Connection refused";
  EXPECT_EQ(lvsctl({"version"}), 0);
  EXPECT_EQ(out, "lvsctl " LVSD_VERSION "\n");
  EXPECT_THAT(err, HasSubstr("Connection refused"));
}

TEST_F(Run, WatchRepeatsAndOnATerminalRepaints) {
  EXPECT_EQ(lvsctl({"drops", "-w", "3", "--count", "2", "-H"}), 0);
  EXPECT_EQ(requests.size(), 2u);
  EXPECT_EQ(slept, std::chrono::seconds{3});
  EXPECT_THAT(out, Not(HasSubstr("\x1b")));
  around.terminal = true;
  EXPECT_EQ(lvsctl({"drops", "-w", "--count", "2"}), 0);
  EXPECT_THAT(out, StartsWith("\x1b[H\x1b[2J\x1b[HREASON"));
  EXPECT_THAT(out, EndsWith("\x1b[K\n\x1b[J"));
}

TEST_F(Run, WatchEndsAtOnceWhenItsFirstAnswerFailsAndGoesOnLater) {
  unreachable = "connect: Connection refused";
  EXPECT_EQ(lvsctl({"drops", "-w", "--count", "9"}), 3);
  EXPECT_EQ(requests.size(), 1u);
  unreachable.clear();
  around.sleep = [this](base::Duration) { unreachable = unreachable.empty() ? "connect: Connection refused" : ""; };
  EXPECT_EQ(lvsctl({"drops", "-w", "--count", "3"}), 0);
  EXPECT_EQ(requests.size(), 3u);
}

TEST_F(Run, EndsWithOneWhenNobodyReads) {
  reader_present = false;
  EXPECT_EQ(lvsctl({"drops", "-w"}), 1);
  EXPECT_EQ(requests.size(), 1u);
}

TEST_F(Run, ColourFollowsTheTerminalAndTheOption) {
  EXPECT_EQ(lvsctl({"status"}), 0);
  EXPECT_THAT(out, Not(HasSubstr("\x1b")));
  lvsctl({"status", "--color", "always"});
  EXPECT_THAT(out, HasSubstr("\x1b[31m"));
  around.terminal = true;
  lvsctl({"status"});
  EXPECT_THAT(out, Not(HasSubstr("\x1b")));  // NO_COLOR
  around.color_allowed = true;
  lvsctl({"status"});
  EXPECT_THAT(out, HasSubstr("\x1b"));
  lvsctl({"status", "--color=never"});
  EXPECT_THAT(out, Not(HasSubstr("\x1b")));
}

TEST_F(Run, ThousandsAreSeparatedForPeopleOnly) {
  lvsctl({"drops"});
  EXPECT_THAT(out, HasSubstr(" 1204 "));
  around.terminal = true;
  lvsctl({"drops"});
  EXPECT_THAT(out, HasSubstr(" 1,204 "));
  lvsctl({"drops", "-o", "csv"});
  EXPECT_THAT(out, HasSubstr("no_server,1204,"));
}

// Files for the commands of `config`
// -------------------------------------------------------------------------------------

class RunConfig : public Run {
 protected:
  RunConfig()
      : path_{::testing::TempDir() +
              fmt::format("lvsctl_{}.conf", ::testing::UnitTest::GetInstance()->random_seed() + ::getpid())} {
    replies["/api/v1/config"] = {200, body(daemon::Sources{"lvs1", false, {{path_, kText}}})};
  }
  ~RunConfig() override { std::filesystem::remove(path_); }

  void write(const std::string& text) { std::ofstream{path_} << text; }

  static std::string with(std::string text, std::string_view from, std::string_view to) {
    return text.replace(text.find(from), from.size(), to);
  }

  static constexpr const char* kText =
      "[global]\nbackend = engine\n\n[engine]\ninterface = eth0\n\n"
      "[virtual_server web]\nlisten = tcp 10.0.0.100:80\nscheduler = wlc\nmethod = dr\n"
      "real_server = rs1 10.0.0.11 weight=10\nreal_server = rs2 10.0.0.12 weight=10\n";
  std::string path_;
};

TEST_F(RunConfig, CheckAcceptsAValidFileWithoutADaemon) {
  unreachable = "connect: Connection refused";
  write(kText);
  EXPECT_EQ(lvsctl({"config", "check", path_}), 0) << err;
  EXPECT_THAT(out, HasSubstr(path_ + " is valid: 1 virtual server, "));
  EXPECT_EQ(lvsctl({"-j", "config", "check", path_}), 0);
  EXPECT_THAT(out, HasSubstr("\"ok\":true"));
  EXPECT_EQ(lvsctl({"-q", "config", "check", path_}), 0);
  EXPECT_EQ(out + err, "");
}

TEST_F(RunConfig, CheckEndsWithFourAndPointsToEveryError) {
  write(with(with(kText, "scheduler", "schedular"), "listen", "lisen"));
  EXPECT_EQ(lvsctl({"config", "check", path_}), 4);
  EXPECT_EQ(out, "");
  EXPECT_THAT(err, HasSubstr(path_ + ":8:1: error:"));
  EXPECT_THAT(err, HasSubstr(path_ + ":9:1: error:"));
  EXPECT_EQ(lvsctl({"-j", "config", "check", path_}), 4);
  EXPECT_THAT(out, HasSubstr("\"line\":9"));
  EXPECT_EQ(lvsctl({"config", "check", path_ + ".missing"}), 4);
}

TEST_F(RunConfig, AFileIsReadAsTheNodeOfTheOptionElseOfTheDaemonElseAsItsFirst) {
  const auto text = fmt::format("{}[node a]\naddress = 10.0.0.2\n[node b]\naddress = 10.0.0.3\n", kText);
  write(with(text, "scheduler = wlc", "scheduler@a = wlc\nscheduler@b = rr"));
  EXPECT_EQ(lvsctl({"config", "check", path_, "--node", "b"}), 0) << err;
  EXPECT_EQ(err, "");
  EXPECT_EQ(lvsctl({"config", "check", path_, "--node", "c"}), 4);
  EXPECT_THAT(err, HasSubstr("there is no [node c]"));

  daemon::Sources running{"b", false, {{path_, kText}}};
  replies["/api/v1/config"] = {200, body(running)};
  EXPECT_EQ(lvsctl({"config", "check", path_}), 0) << err;
  EXPECT_EQ(err, "");
  EXPECT_EQ(lvsctl({"config", "diff", path_}), 1) << err;
  EXPECT_THAT(out, HasSubstr("rr"));
  EXPECT_EQ(lvsctl({"config", "diff", path_, "--node", "a"}), 1) << err;
  EXPECT_THAT(out, Not(HasSubstr("rr")));

  unreachable = "connect: Connection refused";
  EXPECT_EQ(lvsctl({"config", "check", path_}), 0) << err;
  EXPECT_THAT(err, HasSubstr("read as node a; --node NAME chooses another"));
  EXPECT_EQ(lvsctl({"-q", "config", "check", path_}), 0);
  EXPECT_EQ(err, "");
}

TEST_F(RunConfig, ShowPrintsWhatRuns) {
  EXPECT_EQ(lvsctl({"config", "show"}), 0);
  EXPECT_EQ(out, kText);
}

TEST_F(RunConfig, DiffEndsAsDiffDoes) {
  write(kText);
  EXPECT_EQ(lvsctl({"config", "diff"}), 0) << err;
  EXPECT_EQ(out, "nothing would change\n");
  write(with(kText, "wlc", "rr"));
  EXPECT_EQ(lvsctl({"config", "diff"}), 1) << err;
  EXPECT_THAT(out, HasSubstr("virtual_server web"));
  EXPECT_EQ(lvsctl({"-j", "config", "diff", path_}), 1);
  EXPECT_THAT(out, HasSubstr("\"subject\":\"virtual_server web\""));
  write("[nonsense]\n");
  EXPECT_EQ(lvsctl({"config", "diff"}), 4);
  unreachable = "connect: Connection refused";
  EXPECT_EQ(lvsctl({"config", "diff"}), 3);
  unreachable.clear();
  replies["/api/v1/config"] = {500, ""};
  EXPECT_EQ(lvsctl({"config", "diff"}), 2);
}

}  // namespace
}  // namespace lvsd::ctl

#include "daemon/scripts/runner.hpp"

#include <csignal>
#include <deque>
#include <functional>
#include <optional>
#include <sstream>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include "base/channel.hpp"
#include "base/link.hpp"
#include "base/time.hpp"
#include "daemon/scripts/messages.hpp"

namespace lvsd::daemon::scripts {
namespace {

using base::ScriptEnded;
using base::ScriptOutcome;
using testing::ElementsAre;
using testing::HasSubstr;
using namespace std::chrono_literals;

// The runner on a thread, and the control process' side of its channel.
class Runner : public testing::Test {
 protected:
  void SetUp() override {
    auto pair = base::Channel::make_pair().value();
    runner = std::thread{[end = std::move(pair.second)]() mutable { exit_code = run(std::move(end)); }};
    link.emplace(loop, std::move(pair.first), &decode_up, static_cast<std::string (*)(const Down&)>(&encode));
    link->start(
        [this](const Up& message, const std::vector<base::UniqueFd>&) {
          if (const auto* result = std::get_if<ScriptEnded>(&message)) results.push_back(*result);
        },
        [](const std::string&) {});
  }
  void TearDown() override {
    link.reset();
    runner.join();
  }

  void launch(std::uint64_t id, const std::string& script, base::Duration timeout = 5s,
              const std::string& name = "name") {
    send(Launch{id,
                name + std::to_string(name == "name" ? id : 0),
                {"/bin/sh", "-c", script, "sh"},
                {},
                "",
                base::milliseconds(timeout)});
  }
  void send(const Down& message) { ASSERT_TRUE(link->send(message)); }

  void until(const std::function<bool()>& condition, base::Duration patience = 10s) {
    const auto end = base::Clock::now() + patience;
    while (!condition() && base::Clock::now() < end) loop.run_one_for(10ms);
    ASSERT_TRUE(condition());
  }

  ScriptEnded result_of(const std::string& script, base::Duration timeout = 5s) {
    launch(1, script, timeout);
    until([this] { return !results.empty(); });
    return results.empty() ? ScriptEnded{} : results.front();
  }

  static inline int exit_code = -1;
  boost::asio::io_context loop;
  std::optional<base::Link<Up, Down>> link;
  std::thread runner;
  std::vector<ScriptEnded> results;
};

bool lives(const std::string& pid) { return ::kill(std::stoi(pid), 0) == 0 || errno == EPERM; }

TEST_F(Runner, TellsExitCodeAndOutput) {
  const auto result = result_of("echo out; echo err >&2; exit 7");
  EXPECT_EQ(result.outcome, ScriptOutcome::exited);
  EXPECT_EQ(result.status, 7);
  EXPECT_EQ(result.output, "out\nerr\n");
  EXPECT_GT(result.took_us, 0);
}

TEST_F(Runner, TellsTheSignalThatEndedIt) {
  const auto result = result_of("kill -SEGV $$");
  EXPECT_EQ(result.outcome, ScriptOutcome::signalled);
  EXPECT_EQ(result.status, SIGSEGV);
}

TEST_F(Runner, KeepsTheBeginningOfALongOutputAndReadsAllOfIt) {
  const auto result = result_of("head -c 5000000 /dev/zero | tr '\\0' x; printf '\\377'");
  EXPECT_EQ(result.outcome, ScriptOutcome::exited);
  EXPECT_EQ(result.output, std::string(256, 'x'));
}

TEST_F(Runner, GivesAnEmptyEnvironmentNoDescriptorsAndItsOwnSession) {
  send(Launch{1,
              "n",
              {"/bin/sh", "-c", "env | sort; ls /proc/self/fd | wc -l; ps -o sid= -p $$ | tr -d ' '; echo $$"},
              {"LVSD_STATE=up"},
              "",
              5000});
  until([this] { return !results.empty(); });
  std::vector<std::string> lines;
  std::istringstream in{results.front().output};
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  ASSERT_EQ(lines.size(), 7u) << results.front().output;
  EXPECT_EQ(lines[0], "LANG=C.UTF-8");
  EXPECT_EQ(lines[1], "LVSD_STATE=up");
  EXPECT_THAT(lines[2], HasSubstr("PATH="));
  EXPECT_EQ(lines[3], "PWD=/");
  EXPECT_EQ(lines[4], "4");  // 0, 1, 2, and the one ls reads with
  EXPECT_EQ(lines[5], lines[6]);
}

TEST_F(Runner, RunsWithoutCapabilitiesAndWithoutANewOne) {
  const auto result = result_of("grep -E '^(Cap(Prm|Eff|Bnd|Amb)|NoNewPrivs)' /proc/self/status | cut -f2");
  if (geteuid() == 0)
    EXPECT_EQ(result.output, "0000000000000000\n0000000000000000\n0000000000000000\n0000000000000000\n1\n");
  else
    EXPECT_THAT(result.output, HasSubstr("0000000000000000\n0000000000000000\n"));
}

TEST_F(Runner, BecomesTheUserOrRefuses) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  send(Launch{1, "a", {"/usr/bin/id", "-un"}, {}, "daemon", 5000});
  send(Launch{2, "b", {"/usr/bin/id", "-un"}, {}, "no_such_user", 5000});
  send(Launch{3, "c", {"/usr/bin/id", "-u"}, {}, "root", 5000});
  until([this] { return results.size() == 3; });
  std::sort(results.begin(), results.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  EXPECT_EQ(results[0].output, "daemon\n");
  EXPECT_EQ(results[1].outcome, ScriptOutcome::refused);
  EXPECT_EQ(results[1].error, "there is no user \"no_such_user\"");
  EXPECT_EQ(results[2].output, "0\n");  // without capabilities all the same
}

TEST_F(Runner, EndsTheWholeGroupWhenTimeIsUp) {
  const auto began = base::Clock::now();
  const auto result = result_of("sleep 1000 & echo $!; sleep 1000", 200ms);
  EXPECT_EQ(result.outcome, ScriptOutcome::timed_out);
  EXPECT_LT(base::Clock::now() - began, 1500ms);
  const auto child = result.output;
  until([&] { return !lives(child); }, 3s);
}

TEST_F(Runner, EndsWhatDoesNotListenToSigterm) {
  const auto result = result_of("trap '' TERM; echo $$; while :; do sleep 1; done", 200ms);
  EXPECT_EQ(result.outcome, ScriptOutcome::timed_out);
  const auto pid = result.output;
  until([&] { return !lives(pid); }, 3s);
}

TEST_F(Runner, LeavesNothingOfAProgramThatEnded) {
  const auto result = result_of("sleep 1000 & echo $!; setsid sleep 1000 & echo $!; exit 0");
  EXPECT_EQ(result.outcome, ScriptOutcome::exited);
  std::istringstream in{result.output};
  for (std::string pid; std::getline(in, pid);) until([&] { return !lives(pid); }, 3s);
}

TEST_F(Runner, RefusesWhatCannotBeRunAndSaysWhy) {
  send(Launch{1, "a", {"/tmp/x"}, {}, "", 1000});
  send(Launch{2, "b", {"/usr/bin/no_such_program"}, {}, "", 1000});
  until([this] { return results.size() == 2; });
  EXPECT_EQ(results[0].outcome, ScriptOutcome::refused);
  EXPECT_EQ(results[0].error, "/tmp is writable by everyone: chmod o-w /tmp");
  EXPECT_EQ(results[1].error, "/usr/bin/no_such_program: No such file or directory");
}

TEST_F(Runner, RunsOneOfANameAtATimeInTheirOrder) {
  for (std::uint64_t id = 1; id <= 3; ++id) launch(id, fmt::format("sleep 0.0{}", 4 - id), 5s, "same");
  until([this] { return results.size() == 3; });
  EXPECT_EQ(results[0].id, 1u);
  EXPECT_EQ(results[1].id, 2u);
  EXPECT_EQ(results[2].id, 3u);
}

TEST_F(Runner, SaysSoWhenThereWasNoPlaceInTime) {
  launch(1, "sleep 1", 5s, "same");
  launch(2, "true", 100ms, "same");
  until([this] { return results.size() == 2; });
  EXPECT_EQ(results[0].id, 2u);
  EXPECT_EQ(results[0].outcome, ScriptOutcome::busy);
  EXPECT_EQ(results[0].error, "no place for it within its timeout");
}

TEST_F(Runner, AnswersACancelledOneToo) {
  launch(1, "sleep 1000", 100s);
  send(base::CancelScript{1});
  until([this] { return !results.empty(); }, 3s);
  EXPECT_EQ(results[0].id, 1u);
}

TEST_F(Runner, RunsManyMoreThanHavePlaceAtOnce) {
  for (std::uint64_t id = 1; id <= 3 * kAtOnce; ++id) launch(id, "exit 0", 20s);
  until([this] { return results.size() == 3 * kAtOnce; }, 30s);
  for (const auto& result : results) EXPECT_EQ(result.outcome, ScriptOutcome::exited) << result.error;
}

TEST_F(Runner, StopsWhenToldAndTakesItsProgramsAlong) {
  launch(1, "echo $$; sleep 1000", 200ms);
  until([this] { return !results.empty(); });
  launch(2, "sleep 1000", 100s);
  send(base::Stop{"test"});
  runner.join();
  EXPECT_EQ(exit_code, 0);
  EXPECT_FALSE(lives(results[0].output));
  runner = std::thread{[] {}};
}

}  // namespace
}  // namespace lvsd::daemon::scripts

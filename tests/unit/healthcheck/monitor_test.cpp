#include "healthcheck/monitor.hpp"

#include <map>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "run_check.hpp"

namespace lvsd::healthcheck {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

const CheckResult kPass{Reason::Ok, "fine", 1ms};
const CheckResult kFail{Reason::Refused, "connection refused", 1ms};
const CheckResult kTimeout{Reason::Timeout, "timed out", 1ms};
const CheckResult kLocal{Reason::Local, "not checked: no descriptor", 0ms};

// Answers at once with what `answers` says for the target, or holds the check until told.
class FakeCheckers final : public Checkers {
 public:
  struct Held final : Checker {
    Held(FakeCheckers& o, std::string i, OnResult d)
        : owner{o}, serial{++o.last_serial}, id{std::move(i)}, done{std::move(d)} {
      owner.under_way[serial] = this;
    }
    ~Held() override {
      owner.under_way.erase(serial);
      ++owner.destroyed;
    }
    void answer(CheckResult result) { std::exchange(done, {})(std::move(result)); }
    FakeCheckers& owner;
    int serial;
    std::string id;
    OnResult done;
  };

  explicit FakeCheckers(boost::asio::io_context& l) : loop{l} {}

  std::unique_ptr<Checker> start(const Target& target, OnResult done) override {
    started.push_back(target.id);
    started_at.push_back(base::Clock::now());
    asked.push_back(target.check.path);
    auto held = std::make_unique<Held>(*this, target.id, std::move(done));
    most = std::max(most, under_way.size());
    if (const auto found = answers.find(target.id); found != answers.end()) {
      boost::asio::post(loop, [this, serial = held->serial, result = found->second] {
        if (under_way.contains(serial)) under_way[serial]->answer(result);
      });
    }
    return held;
  }

  boost::asio::io_context& loop;
  std::map<std::string, CheckResult> answers;
  std::map<int, Held*> under_way;  // by serial number: an address may be used again
  int last_serial = 0;
  std::vector<std::string> started;
  std::vector<base::TimePoint> started_at;
  std::vector<std::string> asked;
  std::size_t most = 0;
  int destroyed = 0;
};

Target target(const std::string& id, const std::string& options = "") {
  return *testing::parse_target_line("http 10.0.0.1:80 interval=20ms timeout=20ms rise=2 fall=3 id=" + id + " " +
                                     options);
}

class MonitorTest : public ::testing::Test {
 protected:
  explicit MonitorTest(std::size_t concurrent = Monitor::kConcurrent)
      : monitor{loop, checkers, [this](const HealthChanged& change) { changes.push_back(change); },
                [this](const std::string& id, const std::string&) { local_troubles.push_back(id); }, concurrent} {}

  template <class Condition>
  [[nodiscard]] bool runs_until(Condition condition) {
    const auto give_up = base::Clock::now() + 10s;
    while (!condition() && base::Clock::now() < give_up) loop.run_one_for(10ms);
    return condition();
  }
  [[nodiscard]] bool gets_results(std::uint64_t more) {
    const auto enough = monitor.results() + more;
    return runs_until([&] { return monitor.results() >= enough; });
  }
  std::vector<std::string> told() const {
    std::vector<std::string> lines;
    for (const auto& c : changes) {
      lines.push_back(fmt::format("{} {}: {}", c.target,
                                  c.verdict == Verdict::up     ? "up"
                                  : c.verdict == Verdict::down ? "down"
                                                               : "unknown",
                                  c.reason));
    }
    return lines;
  }

  boost::asio::io_context loop;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> keep_running{loop.get_executor()};
  FakeCheckers checkers{loop};
  std::vector<HealthChanged> changes;
  std::vector<std::string> local_troubles;
  Monitor monitor;
};

TEST_F(MonitorTest, TellsEachChangeOnce) {
  checkers.answers["a"] = kPass;
  monitor.configure({{target("a")}});
  ASSERT_TRUE(gets_results(5));
  EXPECT_THAT(told(), ElementsAre("a up: fine (1st success)"));
  checkers.answers["a"] = kFail;
  ASSERT_TRUE(gets_results(6));
  EXPECT_THAT(told(), ElementsAre("a up: fine (1st success)", "a down: connection refused (3rd failure)"));
}

TEST_F(MonitorTest, AsksNobodyBeforeItIsConfigured) {
  EXPECT_EQ(loop.poll(), 0u);
  EXPECT_TRUE(monitor.makes_progress(base::Clock::now() + 1h));
}

TEST_F(MonitorTest, HoldsKnownVerdictsUntilTheFullRowOfResultsSaysOtherwise) {
  checkers.answers = {{"a", kFail}, {"b", kFail}};
  monitor.configure({{target("a"), target("b")}}, {{"a", Verdict::up}, {"b", Verdict::down}});
  EXPECT_EQ(monitor.status()[0].verdict, Verdict::up);
  ASSERT_TRUE(gets_results(12));
  EXPECT_THAT(told(), ElementsAre("a down: connection refused (3rd failure)"));
}

TEST_F(MonitorTest, DoesNotLoseAServerToLocalTrouble) {
  checkers.answers["a"] = kLocal;
  monitor.configure({{target("a")}}, {{"a", Verdict::up}});
  ASSERT_TRUE(gets_results(5));
  EXPECT_THAT(told(), ElementsAre());
  EXPECT_GE(local_troubles.size(), 5u);
  EXPECT_EQ(monitor.status()[0].verdict, Verdict::up);
}

TEST_F(MonitorTest, CancelsTheCheckOfATargetThatIsGone) {
  monitor.configure({{target("a")}});
  ASSERT_TRUE(runs_until([&] { return checkers.under_way.size() == 1; }));
  monitor.configure({});
  EXPECT_EQ(checkers.under_way.size(), 0u);
  EXPECT_TRUE(monitor.status().empty());
  loop.run_for(50ms);
  EXPECT_EQ(checkers.started.size(), 1u);
}

TEST_F(MonitorTest, LeavesUnchangedTargetsAloneInAReload) {
  monitor.configure({{target("a")}});
  ASSERT_TRUE(runs_until([&] { return checkers.under_way.size() == 1; }));
  monitor.configure({{target("b"), target("a")}});
  EXPECT_EQ(checkers.destroyed, 0);
  checkers.under_way.begin()->second->answer(kPass);
  EXPECT_THAT(told(), ElementsAre("a up: fine (1st success)"));
}

TEST_F(MonitorTest, KeepsTheStateThroughNewThresholds) {
  checkers.answers["a"] = kFail;
  monitor.configure({{target("a", "fall=9")}}, {{"a", Verdict::up}});
  ASSERT_TRUE(gets_results(4));
  monitor.configure({{target("a", "fall=5")}});
  ASSERT_TRUE(runs_until([&] { return !changes.empty(); }));
  EXPECT_GE(monitor.status()[0].failed, 5u);
  EXPECT_EQ(monitor.status()[0].verdict, Verdict::down);
}

TEST_F(MonitorTest, KeepsTheVerdictOfAChangedQuestionUntilItIsAnswered) {
  checkers.answers["a"] = kFail;
  monitor.configure({{target("a", "path=/old rise=9")}});
  ASSERT_TRUE(gets_results(1));
  checkers.answers.clear();
  ASSERT_TRUE(runs_until([&] { return checkers.under_way.size() == 1; }));
  monitor.configure({{target("a", "path=/new rise=9")}});
  EXPECT_EQ(checkers.under_way.size(), 0u) << "the old question is still being asked";
  EXPECT_EQ(monitor.status()[0].verdict, Verdict::down);
  checkers.answers["a"] = kPass;
  ASSERT_TRUE(runs_until([&] { return changes.size() == 2; }));
  EXPECT_EQ(checkers.asked.back(), "/new");
  EXPECT_EQ(told().back(), "a up: fine (1st success)");
}

TEST_F(MonitorTest, StartsFromUnknownWhenAnIdNamesAnotherServer) {
  checkers.answers["a"] = kPass;
  monitor.configure({{target("a")}});
  ASSERT_TRUE(gets_results(1));
  auto moved = target("a");
  moved.endpoint = *base::Endpoint::parse("10.0.0.2:80");
  monitor.configure({{moved}});
  EXPECT_EQ(told().back(), "a unknown: not checked yet at its new address");
  ASSERT_TRUE(gets_results(1));
  EXPECT_EQ(told().back(), "a up: fine (1st success)");
}

TEST_F(MonitorTest, ShowsItsTargetsByIdWithTheNextRun) {
  checkers.answers = {{"a", kPass}, {"b", kPass}};
  monitor.configure({{target("b"), target("a", "interval=60s")}});
  ASSERT_TRUE(gets_results(2));
  ASSERT_TRUE(runs_until([&] { return changes.size() == 2; }));
  const auto status = monitor.status();
  EXPECT_EQ(status[0].id, "a");
  EXPECT_EQ(status[1].id, "b");
  EXPECT_GT(status[0].next_in_ms, 30'000);
  EXPECT_LE(status[0].next_in_ms, 63'000);
}

TEST_F(MonitorTest, MakesNoProgressWithACheckThatNeverEnds) {
  monitor.configure({{target("a")}});
  ASSERT_TRUE(runs_until([&] { return checkers.under_way.size() == 1; }));
  EXPECT_TRUE(monitor.makes_progress(base::Clock::now() + 4s));
  EXPECT_FALSE(monitor.makes_progress(base::Clock::now() + 6s));
}

TEST_F(MonitorTest, MakesNoProgressWhenADueCheckIsNotStarted) {
  monitor.configure({{target("a")}});
  EXPECT_FALSE(monitor.makes_progress(base::Clock::now() + 6s)) << "the loop did not run for six seconds";
}

class CrowdedMonitor : public MonitorTest {
 protected:
  CrowdedMonitor() : MonitorTest{8} {}

  static Config many(int count) {
    Config config;
    for (int i = 0; i < count; ++i) config.targets.push_back(target(fmt::format("t{:03}", i)));
    return config;
  }
};

TEST_F(CrowdedMonitor, RunsNoMoreThanTheLimitAndEverybodyGetsATurn) {
  const auto config = many(60);
  for (const auto& t : config.targets) checkers.answers[t.id] = kPass;
  monitor.configure(config);
  ASSERT_TRUE(gets_results(600));
  EXPECT_LE(checkers.most, 8u);
  for (const auto& status : monitor.status()) EXPECT_GE(status.passed, 6u) << status.id;
}

TEST_F(CrowdedMonitor, KeepsAQuarterOfThePlacesFromTargetsThatTimeOut) {
  auto config = many(40);
  for (const auto& t : config.targets) checkers.answers[t.id] = kTimeout;
  monitor.configure(config);
  ASSERT_TRUE(runs_until([&] { return changes.size() == 40; }));
  checkers.answers.clear();  // from now on they hold their places
  ASSERT_TRUE(runs_until([&] { return checkers.under_way.size() == 6; }));
  checkers.answers["alive"] = kPass;
  config.targets.push_back(target("alive"));
  monitor.configure(config);
  ASSERT_TRUE(gets_results(5));
  EXPECT_EQ(checkers.under_way.size(), 6u);
  EXPECT_EQ(told().back(), "alive up: fine (1st success)");
}

// Or their timeouts would all end at one moment, for ever.
TEST_F(CrowdedMonitor, StartsTheChecksOfTargetsThatTimeOutApartFromEachOther) {
  auto config = many(40);
  for (const auto& t : config.targets) checkers.answers[t.id] = kTimeout;
  monitor.configure(config);
  ASSERT_TRUE(runs_until([&] { return changes.size() == 40; }));
  checkers.answers.clear();  // from now on they hold their places
  checkers.started_at.clear();
  ASSERT_TRUE(runs_until([&] { return checkers.under_way.size() == 6; }));
  for (std::size_t i = 1; i < checkers.started_at.size(); ++i)
    EXPECT_GE(checkers.started_at[i] - checkers.started_at[i - 1], 400us);
}

TEST_F(CrowdedMonitor, GivesThePlaceOfARemovedTargetToTheNext) {
  const auto config = many(9);
  monitor.configure(config);
  ASSERT_TRUE(runs_until([&] { return checkers.under_way.size() == 8; }));
  const auto running = checkers.under_way.begin()->second->id;
  Config fewer;
  for (const auto& t : config.targets) {
    if (t.id != running) fewer.targets.push_back(t);
  }
  monitor.configure(fewer);
  EXPECT_TRUE(runs_until([&] { return checkers.under_way.size() == 8; }));
}

TEST_F(MonitorTest, AsksOutOfTurnAndSaysWhenAllAnswersAreIn) {
  checkers.answers = {{"a", kPass}, {"b", kFail}, {"c", kPass}};
  monitor.configure({{target("a", "interval=1h"), target("b", "interval=1h"), target("c", "interval=1h")}});
  ASSERT_TRUE(gets_results(3));
  bool done = false;
  monitor.check_now({"a", "b", "unknown"}, [&] { done = true; });
  EXPECT_FALSE(done);
  ASSERT_TRUE(runs_until([&] { return done; }));
  EXPECT_EQ(monitor.results(), 5u);
  EXPECT_EQ(monitor.status()[1].failed, 2u) << "it counts as any other";
  done = false;
  monitor.check_now({"unknown"}, [&] { done = true; });
  EXPECT_TRUE(done) << "nothing to wait for";
}

TEST_F(MonitorTest, WhoWaitsForATargetThatGoesIsToldSo) {
  monitor.configure({{target("a")}});
  ASSERT_TRUE(runs_until([&] { return checkers.under_way.size() == 1; }));
  bool done = false;
  monitor.check_now({"a"}, [&] { done = true; });
  EXPECT_EQ(checkers.started.size(), 1u) << "one under way is waited for";
  monitor.configure({});
  EXPECT_TRUE(done);
}

}  // namespace
}  // namespace lvsd::healthcheck

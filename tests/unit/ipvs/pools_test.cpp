#include "ipvs/pools.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ipvs/desired.hpp"
#include "tests/support/frames.hpp"

namespace lvsd::ipvs {
namespace {

using namespace std::chrono_literals;
using test::endpoint;

// A service with servers a, b, … on hosts of their own, each with one check of its name.
VirtualServerConfig service(const std::string& name, const std::string& servers, std::uint32_t weight = 10) {
  VirtualServerConfig config;
  config.name = name;
  config.listeners = {{Protocol::Tcp, endpoint("198.51.100.1:80")}};
  for (const char letter : servers) {
    RealServerConfig server;
    server.name = letter;
    server.address = endpoint("10.0.0." + std::to_string(letter - 'a' + 1) + ":80");
    server.weight = weight;
    server.checks = {server.name};
    config.servers.push_back(std::move(server));
  }
  return config;
}

constexpr bool kSilent = true;

// A configuration, what its servers' checks say, and the table that follows, over time.
class Story {
 public:
  explicit Story(std::vector<VirtualServerConfig> services) {
    config.virtual_servers = std::move(services);
    observe();
  }

  void up(const std::string& servers) {
    for (const char s : servers) health[std::string{s}] = true;
    observe();
  }
  void down(const std::string& servers, bool silent = false) {
    for (const char s : servers) {
      health[std::string{s}] = false;
      health[std::string{s}].silent = silent;
    }
    observe();
  }
  void after(base::Duration time) {
    now += time;
    observe();
  }
  void observe() { pools.observe(config, health, overrides, now); }

  // "a10 b0!": name, weight in force, ! for down, ~ for aside.
  std::string table(const std::string& name = "web") const {
    std::string text;
    const auto table = desired(config, health, overrides, pools.view());
    for (const auto& s : table.at(name).servers) {
      text +=
          (text.empty() ? "" : " ") + s.name + std::to_string(s.weight) + (s.down ? "!" : "") + (s.aside ? "~" : "");
    }
    return text;
  }
  ServiceStatus described() const {
    std::vector<ServiceStatus> status;
    describe(status, config, health, overrides, pools.view());
    return status.at(0);
  }

  Config config;
  HealthView health;
  OverrideView overrides;
  Pools pools;
  base::TimePoint now{1h};
};

// --- slow start ------------------------------------------------------------------------------------------------------

Story with_slow_start(const std::string& servers) {
  auto web = service("web", servers);
  for (auto& server : web.servers) server.policy.slow_start = 10s;
  return Story{{web}};
}

TEST(SlowStart, TheWeightOfAServerThatComesBackGrows) {
  auto story = with_slow_start("ab");
  story.up("ab");
  EXPECT_EQ(story.table(), "a10 b10") << "the first results start nothing slowly";
  EXPECT_FALSE(story.pools.next_step());
  story.down("a");
  story.up("a");
  EXPECT_EQ(story.table(), "a1 b10") << "never less than 1";
  story.after(3s);
  EXPECT_EQ(story.table(), "a3 b10");
  EXPECT_EQ(story.described().servers.at(0).slow_start_percent, 30u);
  story.after(6s + 900ms);
  EXPECT_EQ(story.table(), "a9 b10");
  story.after(100ms);
  EXPECT_EQ(story.table(), "a10 b10");
  EXPECT_FALSE(story.pools.next_step());
}

TEST(SlowStart, StepsFollowWithoutNews) {
  auto story = with_slow_start("ab");
  story.up("ab");
  story.down("a");
  story.up("a");
  std::string weights;
  while (const auto next = story.pools.next_step()) {
    ASSERT_GT(*next, story.now);
    ASSERT_LE(*next - story.now, 200ms) << "a fiftieth of it";
    story.now = *next;
    story.observe();
    const auto table = story.table();
    const auto weight = table.substr(1, table.find(' ') - 1);
    if (!weights.ends_with(" " + weight)) weights += " " + weight;
  }
  EXPECT_EQ(weights, " 1 2 3 4 5 6 7 8 9 10");
}

TEST(SlowStart, AServerThatJoinsARunningServiceOrEndsItsDrainComesSlowlyToo) {
  auto story = with_slow_start("ab");
  story.up("ab");
  story.config.virtual_servers[0] = service("web", "abc");
  for (auto& server : story.config.virtual_servers[0].servers) server.policy.slow_start = 10s;
  story.observe();
  story.up("c");
  EXPECT_EQ(story.table(), "a10 b10 c1");
  story.overrides[{"web", "a"}].drain = true;
  story.observe();
  story.overrides.clear();
  story.observe();
  EXPECT_EQ(story.table(), "a1 b10 c1");
}

TEST(SlowStart, AFailureOnTheWayBeginsItAnew) {
  auto story = with_slow_start("ab");
  story.up("ab");
  story.down("a");
  story.up("a");
  story.after(5s);
  story.down("a");
  EXPECT_EQ(story.table(), "a0! b10");
  EXPECT_FALSE(story.pools.next_step());
  story.up("a");
  EXPECT_EQ(story.table(), "a1 b10");
}

TEST(SlowStart, CountsInFullForTheQuorum) {
  auto web = service("web", "ab");
  web.quorum = 20;
  web.has_sorry_server = true;
  for (auto& server : web.servers) server.policy.slow_start = 10s;
  Story story{{web}};
  story.up("ab");
  story.down("a");
  EXPECT_EQ(story.table(), "a0!~ b0~ sorry1");
  story.up("a");
  EXPECT_EQ(story.table(), "a1 b10");
}

// --- quorum ----------------------------------------------------------------------------------------------------------

TEST(Quorum, IsLostBelowAndRegainedAboveTheHysteresis) {
  auto web = service("web", "abcde", 1);
  web.quorum = 3;
  web.hysteresis = 1;
  web.has_sorry_server = true;
  Story story{{web}};
  const auto short_of = [&] { return story.pools.view().services.at("web").short_of_quorum; };
  EXPECT_TRUE(short_of()) << "nobody is up yet";
  story.up("abc");
  EXPECT_TRUE(short_of()) << "3 are not 3 + 1";
  story.up("d");
  EXPECT_FALSE(short_of());
  story.down("ab");
  EXPECT_FALSE(short_of()) << "2 are 3 - 1";
  EXPECT_EQ(story.table(), "a0! b0! c1 d1 e0!");
  story.down("c");
  EXPECT_TRUE(short_of());
  EXPECT_EQ(story.table(), "a0!~ b0!~ c0!~ d0~ e0!~ sorry1");
  EXPECT_EQ(story.described().state, ServiceState::sorry);
}

TEST(Quorum, WithoutAnybodyIsLostWhateverTheHysteresis) {
  auto web = service("web", "ab", 1);
  web.quorum = 2;
  web.hysteresis = 1;
  Story story{{web}};
  story.up("ab");
  EXPECT_TRUE(story.pools.view().services.at("web").short_of_quorum) << "2 of at least 3";
  web.hysteresis = 0;
  Story simple{{web}};
  simple.up("ab");
  simple.down("ab");
  EXPECT_TRUE(simple.pools.view().services.at("web").short_of_quorum);
}

// --- all servers down ------------------------------------------------------------------------------------------------

VirtualServerConfig when_all_fail(AllDown policy, const std::string& servers = "abc") {
  auto web = service("web", servers);
  web.all_down = policy;
  return web;
}

TEST(AllDown, ServersThatFallSilentTogetherAreKept) {
  Story story{{when_all_fail(AllDown::Auto), service("dns", "de")}};
  story.up("abcde");
  story.down("a", kSilent);
  story.after(1s);
  story.down("bd", kSilent);
  EXPECT_EQ(story.table(), "a0! b0! c10") << "whoever answers gets it all";
  story.after(1s);
  story.down("c", kSilent);
  EXPECT_EQ(story.table(), "a10 b10 c10") << "4 of 5 within the window: it is our own network";
  EXPECT_EQ(story.table("dns"), "d0! e10");
  EXPECT_EQ(story.described().state, ServiceState::degraded);
  EXPECT_TRUE(story.described().servers.at(0).kept);
  EXPECT_EQ(story.described().servers.at(0).state, ServerState::down);
  story.after(10min);
  EXPECT_EQ(story.table(), "a10 b10 c10") << "as long as nobody answers";
  story.down("e", kSilent);
  EXPECT_EQ(story.table("dns"), "d10 e10") << "who follows belongs to them";
  story.up("b");
  EXPECT_EQ(story.table(), "a0! b10 c0!");
}

TEST(AllDown, ServersThatAnswerButFailAreNotKept) {
  Story story{{when_all_fail(AllDown::Auto)}};
  story.up("abc");
  story.down("abc");
  EXPECT_EQ(story.table(), "a0! b0! c0!");
  EXPECT_EQ(story.described().state, ServiceState::down);
}

TEST(AllDown, ServersThatDieOneAfterTheOtherAreNotKept) {
  Story story{{when_all_fail(AllDown::Auto)}};
  story.up("abc");
  for (const auto* server : {"a", "b", "c"}) {
    story.down(server, kSilent);
    story.after(story.config.failure_window + 1ms);
  }
  EXPECT_EQ(story.table(), "a0! b0! c0!");
}

TEST(AllDown, OneHostOrHalfOfAllAreNoSignOfALostNetwork) {
  Story one{{when_all_fail(AllDown::Auto, "a")}};
  one.up("a");
  one.down("a", kSilent);
  EXPECT_EQ(one.table(), "a0!");
  Story half{{when_all_fail(AllDown::Auto, "ab"), service("dns", "cd")}};
  half.up("abcd");
  half.down("ab", kSilent);
  EXPECT_EQ(half.table(), "a0! b0!");
}

TEST(AllDown, AServerThatWasNeverUpIsNotKept) {
  Story story{{when_all_fail(AllDown::Auto)}};
  story.down("abc", kSilent);
  EXPECT_EQ(story.table(), "a0! b0! c0!");
}

TEST(AllDown, KeptServersComeBeforeTheSorryServer) {
  auto web = when_all_fail(AllDown::Auto);
  web.has_sorry_server = true;
  Story lost{{web}};
  lost.up("abc");
  lost.down("abc", kSilent);
  EXPECT_EQ(lost.table(), "a10 b10 c10");
  Story dead{{web}};
  dead.up("abc");
  dead.down("abc");
  EXPECT_EQ(dead.table(), "a0!~ b0!~ c0!~ sorry1");
}

TEST(AllDown, KeepLastKeepsThoseThatWereUsedLast) {
  Story story{{when_all_fail(AllDown::KeepLast)}};
  story.up("abc");
  story.down("a");
  story.after(1min);
  story.down("bc");
  EXPECT_EQ(story.table(), "a0! b10 c10");
}

TEST(AllDown, AllUsesEveryServerThatFails) {
  Story story{{when_all_fail(AllDown::All)}};
  story.up("abc");
  story.overrides[{"web", "c"}].disable = true;
  story.down("a");
  story.after(1min);
  story.down("bc");
  EXPECT_EQ(story.table(), "a10 b10 c0!") << "an operator's word stands";
}

TEST(AllDown, DropAndWithdrawUseNobody) {
  for (const auto policy : {AllDown::Drop, AllDown::Withdraw}) {
    auto web = when_all_fail(policy);
    web.has_sorry_server = true;
    Story story{{web}};
    EXPECT_FALSE(story.described().withdrawn) << "not checked yet";
    story.up("abc");
    story.down("abc", kSilent);
    EXPECT_EQ(story.table(), "a0! b0! c0!");
    EXPECT_EQ(story.described().withdrawn, policy == AllDown::Withdraw);
    story.up("a");
    EXPECT_FALSE(story.described().withdrawn);
  }
}

TEST(AllDown, ServersTakenOutByOperatorsAreNoFailure) {
  Story story{{when_all_fail(AllDown::Withdraw)}};
  story.up("abc");
  for (const auto* name : {"a", "b", "c"}) story.overrides[{"web", name}].drain = true;
  story.observe();
  EXPECT_FALSE(story.described().withdrawn);
}

}  // namespace
}  // namespace lvsd::ipvs

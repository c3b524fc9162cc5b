#include "ipvs/health.hpp"

#include <gtest/gtest.h>

#include "tests/support/frames.hpp"

namespace lvsd::ipvs {
namespace {

RealServerConfig server(bool any = false) {
  RealServerConfig config;
  config.name = "a";
  config.weight = 10;
  config.checks = {"one", "two"};
  config.policy.any_check = any;
  return config;
}

ServerState judged(const RealServerConfig& config, const HealthView& health) {
  return standing_of(config, health, {}).state;
}

TEST(Standing, OfAllChecksEveryOneMustPass) {
  EXPECT_EQ(judged(server(), {}), ServerState::unknown);
  EXPECT_EQ(judged(server(), {{"one", true}}), ServerState::unknown);
  EXPECT_EQ(judged(server(), {{"one", false}}), ServerState::down);
  EXPECT_EQ(judged(server(), {{"one", true}, {"two", true}}), ServerState::up);
  EXPECT_EQ(judged(server(), {{"one", true}, {"two", false}}), ServerState::down);
}

TEST(Standing, OfAnyCheckOneSuffices) {
  EXPECT_EQ(judged(server(true), {}), ServerState::unknown);
  EXPECT_EQ(judged(server(true), {{"one", true}}), ServerState::up);
  EXPECT_EQ(judged(server(true), {{"one", false}}), ServerState::unknown) << "the other may still pass";
  EXPECT_EQ(judged(server(true), {{"one", false}, {"two", true}}), ServerState::up);
  EXPECT_EQ(judged(server(true), {{"one", false}, {"two", false}}), ServerState::down);
}

TEST(Standing, WithoutChecksAServerIsUp) {
  for (const bool any : {false, true}) {
    auto config = server(any);
    config.checks.clear();
    EXPECT_EQ(judged(config, {}), ServerState::up);
  }
}

HealthView both_pass() { return {{"one", true}, {"two", true}}; }

TEST(Standing, TheServersOwnWordSetsItsWeight) {
  auto health = both_pass();
  health["one"].percent = 50;
  EXPECT_EQ(standing_of(server(), health, {}).weight, 5u);
  health["two"].weight = 3;
  EXPECT_EQ(standing_of(server(), health, {}).weight, 3u) << "the least of what its checks say";
  health["two"].weight = 0;
  EXPECT_EQ(standing_of(server(), health, {}).weight, 0u);
  EXPECT_EQ(standing_of(server(), health, {}).state, ServerState::up);
  ServerOverride wanted;
  wanted.weight = 7;
  EXPECT_EQ(standing_of(server(), health, wanted).weight, 7u) << "an operator's word stands above it";
  wanted.weight.reset();
  wanted.percent = 200;
  EXPECT_EQ(standing_of(server(), health, wanted).weight, 20u);
}

TEST(Standing, AServerCanDrainItselfOrLeave) {
  auto health = both_pass();
  health["one"].drain = true;
  EXPECT_EQ(standing_of(server(), health, {}).state, ServerState::drain);
  EXPECT_EQ(standing_of(server(), health, {}).weight, 0u);
  health["two"].maintenance = true;
  EXPECT_EQ(standing_of(server(), health, {}).state, ServerState::disabled);
}

TEST(Standing, IsSilentWhenNoFailingCheckGotAnAnswer) {
  auto health = both_pass();
  health["one"] = false;
  health["one"].silent = true;
  EXPECT_TRUE(standing_of(server(), health, {}).silent);
  health["two"] = false;
  EXPECT_FALSE(standing_of(server(), health, {}).silent);
}

TEST(HealthView, IsUpdatedByChangesAndReplacedByTheWhole) {
  HealthView view;
  Health::Target target;
  target.id = "one";
  target.passes = true;
  target.percent = 30;
  update(view, {false, {target}});
  EXPECT_TRUE(view.at("one").passes);
  EXPECT_EQ(view.at("one").percent, 30u);
  target.percent.reset();
  target.id = "two";
  update(view, {false, {target}});
  EXPECT_EQ(view.size(), 2u);
  update(view, {true, {target}});
  EXPECT_EQ(view.size(), 1u);
  EXPECT_FALSE(view.at("two").percent);
}

}  // namespace
}  // namespace lvsd::ipvs

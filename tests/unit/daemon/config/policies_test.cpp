#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fixture.hpp"

namespace lvsd::daemon {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

const std::string kChecks = kFront + "[check http]\ntype = http\n[check tcp]\ntype = tcp\n";

std::string web(const std::string& lines, const std::string& server = "weight=10") {
  return kChecks + "[virtual_server web]\nlisten = tcp 10.0.0.100:80\ncheck = http, tcp\nreal_server = rs1 10.0.0.11 " +
         server + "\nreal_server = rs2 10.0.0.12 weight=10\n" + lines;
}

ipvs::VirtualServerConfig service(const std::string& lines, const std::string& server = "weight=10") {
  const auto text = web(lines, server);
  const auto outcome = parse_text(text);
  EXPECT_TRUE(outcome.config) << render(outcome.diagnostics, one_file(text));
  return outcome.config ? outcome.config->ipvs.virtual_servers.at(0) : ipvs::VirtualServerConfig{};
}

std::string only_complaint(const std::string& lines, const std::string& server = "weight=10") {
  const auto all = said_of(web(lines, server));
  return all.size() == 1 ? all.front() : fmt::format("{}", fmt::join(all, "\n"));
}

TEST(Policies, HaveDefaults) {
  const auto web_service = service("");
  EXPECT_EQ(web_service.servers.at(0).policy, ipvs::ServerPolicy{});
  EXPECT_EQ(web_service.all_down, ipvs::AllDown::Auto);
  EXPECT_EQ(web_service.hysteresis, 0u);
}

TEST(Policies, OfAServerComeFromItselfItsDefaultsOrItsService) {
  const auto lines = "slow_start = 30s\non_failure = quiesce\ncheck_mode = any\n";
  const auto from_service = service(lines);
  for (const auto& server : from_service.servers)
    EXPECT_EQ(server.policy, (ipvs::ServerPolicy{true, ipvs::OnFailure::Quiesce, 30s, 0}));
  const auto own = service(std::string{lines} + "[real_server web/rs1]\non_failure = remove\ncheck_mode = all\n",
                           "weight=10 slow_start=5s");
  EXPECT_EQ(own.servers.at(0).policy, (ipvs::ServerPolicy{false, ipvs::OnFailure::Remove, 5s, 0}));
  EXPECT_EQ(own.servers.at(1).policy.slow_start, 30s);
  const auto defaults = service("slow_start = 30s\n[defaults real_server]\nslow_start = 7s\nmax_connections = 9\n");
  EXPECT_EQ(defaults.servers.at(1).policy.slow_start, 7s);
  EXPECT_EQ(defaults.servers.at(1).options.max_connections, 9u);
}

TEST(Policies, LimitsOfConnectionsFitTogether) {
  const auto limited = service("[real_server web/rs2]\nmax_connections = 100\nmin_connections = 80\n");
  EXPECT_EQ(limited.servers.at(1).options.max_connections, 100u);
  EXPECT_EQ(limited.servers.at(1).options.min_connections, 80u);
  EXPECT_THAT(only_complaint("", "weight=10 max_connections=5 min_connections=6"),
              HasSubstr("real server rs1: min_connections 6 is more than max_connections 5"));
  EXPECT_THAT(only_complaint("", "weight=10 min_connections=6"), HasSubstr("min_connections without max_connections"));
}

TEST(Policies, PassiveChecksNeedRepliesAndAWayBack) {
  EXPECT_EQ(service("method = nat\nmax_unanswered = 5\n").servers.at(1).policy.max_unanswered, 5u);
  EXPECT_THAT(only_complaint("[real_server web/rs1]\nmax_unanswered = 5\n"),
              HasSubstr("max_unanswered of real server rs1 needs method = nat"));
  const auto unchecked = said_of(kFront +
                                 "[virtual_server web]\nlisten = tcp 10.0.0.100:80\nmethod = nat\n"
                                 "max_unanswered = 5\nreal_server = rs1 10.0.0.11\n");
  ASSERT_EQ(unchecked.size(), 1u);
  EXPECT_THAT(unchecked[0], HasSubstr("max_unanswered of real server rs1 needs a check"));
}

TEST(Policies, SlowStartOfWeightOneIsWarnedOf) {
  EXPECT_THAT(only_complaint("slow_start = 30s\n", "weight=1"),
              HasSubstr("warning: slow_start of real server rs1 has no effect: its weight is 1"));
}

TEST(Policies, AQuorumMustBeReachableWithItsHysteresis) {
  EXPECT_EQ(service("quorum = 15\nhysteresis = 5\n").hysteresis, 5u);
  EXPECT_THAT(only_complaint("quorum = 5\nhysteresis = 5\n"),
              HasSubstr("hysteresis 5 of [virtual_server web] is not smaller than its quorum 5"));
  EXPECT_THAT(only_complaint("quorum = 18\nhysteresis = 3\n"),
              HasSubstr("quorum 18 + hysteresis 3 can never be reached, the weights add up to 20"));
}

TEST(Policies, WhatHappensWhileAllFailIsChosen) {
  EXPECT_EQ(service("all_down = keep_last\n").all_down, ipvs::AllDown::KeepLast);
  EXPECT_EQ(service("all_down = sorry\nsorry_server = 10.0.0.99\n").all_down, ipvs::AllDown::Sorry);
  EXPECT_THAT(only_complaint("all_down = sorry\n"), HasSubstr("[virtual_server web] has no sorry_server"));
}

TEST(Policies, WithdrawBindsTheOwnersOfTheAddressAndTheirSyncGroupToTheServers) {
  const auto text = [](const std::string& vip) {
    return "[vrrp front]\ninterface = eth0\nvirtual_router_id = 51\nvirtual_address = " + vip +
           "/24\n[vrrp inside]\ninterface = eth1\nvirtual_router_id = 52\nvirtual_address = 10.1.0.1/24\n"
           "[vrrp other]\ninterface = eth2\nvirtual_router_id = 53\nvirtual_address = 10.2.0.1/24\n"
           "[sync_group both]\nmember = front, inside\n"
           "[virtual_server web]\nlisten = tcp 10.0.0.100:80\nall_down = withdraw\nreal_server = rs1 10.0.0.11\n";
  };
  const auto good = text("10.0.0.100");
  const auto outcome = parse_text(good);
  ASSERT_TRUE(outcome.config) << render(outcome.diagnostics, one_file(good));
  for (const auto& instance : outcome.config->vrrp.instances) {
    ASSERT_EQ(instance.tracks.size(), instance.name == "other" ? 0U : 1U) << instance.name;
    if (instance.tracks.empty()) continue;
    EXPECT_EQ(instance.tracks.front().type, "withdraw");
    EXPECT_EQ(instance.tracks.front().target, "web");
    EXPECT_FALSE(instance.tracks.front().weight) << "a failure is a fault";
  }
  const auto bad = text("10.0.0.99");
  EXPECT_THAT(render(parse_text(bad).diagnostics, one_file(bad)),
              HasSubstr("all_down = withdraw: no [vrrp] has an address of [virtual_server web]"));
}

TEST(Policies, NotifyProgramsBelongToServicesAndServers) {
  const auto text =
      web("notify = /usr/local/bin/told --service\n[real_server web/rs1]\nnotify = /usr/local/bin/told\n");
  const auto outcome = parse_text(text);
  ASSERT_TRUE(outcome.config) << render(outcome.diagnostics, one_file(text));
  const auto& scripts = outcome.config->scripts;
  EXPECT_THAT(scripts.at("notify web").arguments, ElementsAre("/usr/local/bin/told", "--service"));
  EXPECT_THAT(scripts.at("notify web/rs1").arguments, ElementsAre("/usr/local/bin/told"));
  EXPECT_FALSE(scripts.contains("notify web/rs2"));
}

TEST(Policies, FailuresOfOneMomentAreThoseOfOneRoundOfTheSlowestCheck) {
  const auto outcome = parse_text(web("") + "[defaults check]\ninterval = 10s\ntimeout = 2s\n");
  ASSERT_TRUE(outcome.config);
  EXPECT_EQ(outcome.config->ipvs.failure_window, 13s) << "interval with its jitter, and timeout";
}

}  // namespace
}  // namespace lvsd::daemon

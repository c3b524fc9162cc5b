// [track] of a type that the healthcheck room observes, notify programs, and the pauses of an election.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fixture.hpp"

namespace lvsd::daemon {
namespace {

using namespace std::chrono_literals;
using healthcheck::CheckType;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

std::string track(const std::string& lines) { return kFront + "track = a\n[track a]\n" + lines; }

healthcheck::Target target_of(const std::string& lines) {
  const auto outcome = parse_text(track(lines));
  EXPECT_TRUE(outcome.config) << (outcome.diagnostics.empty() ? "" : outcome.diagnostics[0].message);
  if (!outcome.config || outcome.config->healthcheck.targets.size() != 1) return {};
  return outcome.config->healthcheck.targets[0];
}

TEST(TrackTargets, AreQuestionsOfTheHealthcheckRoom) {
  const auto ping = target_of("type = ping\naddress = 10.0.0.254\ninterval = 500ms\nrise = 1\nfall = 2\n");
  EXPECT_EQ(ping.id, "track a");
  EXPECT_EQ(ping.check.type, CheckType::Ping);
  EXPECT_EQ(ping.check.interval, 500ms);
  EXPECT_EQ(ping.check.timeout, 500ms);
  EXPECT_EQ(ping.check.fall, 2u);
  EXPECT_EQ(ping.endpoint.address.to_string(), "10.0.0.254");

  const auto http = target_of("type = http\naddress = 10.0.0.254\npath = /ready\n");
  EXPECT_EQ(http.endpoint.to_string(), "10.0.0.254:80");
  EXPECT_EQ(http.check.path, "/ready");
  EXPECT_EQ(target_of("type = tcp\naddress = 10.0.0.254\nport = 22\n").endpoint.port, 22);
  EXPECT_EQ(target_of("type = file\nfile = /run/standby\n").check.file, "/run/standby");
  EXPECT_EQ(target_of("type = process\nprocess = haproxy\n").check.process, "haproxy");
  EXPECT_EQ(target_of("type = route\nroute = 192.0.2.0/24\n").check.route.to_string(), "192.0.2.0/24");
  EXPECT_THAT(target_of("type = script\ncommand = /usr/bin/test -e /tmp/x\nuser = nobody\n").check.command,
              ElementsAre("/usr/bin/test", "-e", "/tmp/x"));
}

TEST(TrackTargets, OfAQuorumAreNone) {
  const auto outcome = parse_text(track("type = quorum\nvirtual_server = web\n") +
                                  "[virtual_server web]\nlisten = tcp 10.0.0.100:80\nreal_server = rs1 10.0.0.11\n");
  ASSERT_TRUE(outcome.config);
  EXPECT_THAT(outcome.config->healthcheck.targets, IsEmpty());
  EXPECT_EQ(outcome.config->vrrp.instances[0].tracks[0].target, "web");
}

TEST(TrackTargets, ThatNobodyUsesAreNotLookedAt) {
  const auto outcome = parse_text(kFront + "[track a]\ntype = ping\naddress = 10.0.0.254\n");
  ASSERT_TRUE(outcome.config);
  EXPECT_THAT(outcome.config->healthcheck.targets, IsEmpty());
}

TEST(TrackTargets, ThatCannotWorkAreRefused) {
  EXPECT_THAT(said_of(track("type = ping\n")), ElementsAre("6:2 error: [track a] has no \"address\""));
  EXPECT_THAT(said_of(track("type = ping\naddress = 10.0.0.254\nport = 7\n")),
              ElementsAre("9:1 error: \"port\" has no meaning in [track a]"));
  EXPECT_THAT(said_of(track("type = tcp\naddress = 10.0.0.254\n")),
              ElementsAre("6:2 error: [track a] has no \"port\""));
  EXPECT_THAT(said_of(track("type = file\nfile = standby\n")),
              ElementsAre("8:8 error: file = standby: must be an absolute path"));
  EXPECT_THAT(said_of(track("type = process\nprocess = /usr/sbin/haproxy\n")),
              ElementsAre("8:11 error: process = /usr/sbin/haproxy: is not the name of a program"));
  EXPECT_THAT(said_of(track("type = http\naddress = 224.0.0.18\n")),
              ElementsAre("8:11 error: 224.0.0.18 is not an address that could answer"));
  EXPECT_THAT(said_of(track("type = ping\naddress = 10.0.0.254\ninterval = 1s\ntimeout = 2s\n")),
              ElementsAre("10:11 error: timeout 2s is longer than interval 1s"));
  EXPECT_THAT(said_of(track("type = quorum\nvirtual_server = webb\n") +
                      "[virtual_server web]\nlisten = tcp 10.0.0.100:80\nreal_server = rs1 10.0.0.11\n"),
              ElementsAre("8:18 error: there is no [virtual_server webb]; did you mean \"web\"?"));
}

TEST(Notify, IsReadForAllForInstancesAndForGroups) {
  const auto outcome =
      parse_text("[global]\nnotify = /usr/local/bin/all -v\nnotify_user = alice\nnotify_fifo = /run/x\n" + kFront +
                 "notify = /usr/local/bin/one\nnotify_user = bob\n" +
                 "[sync_group g]\nmember = front\nnotify = /usr/local/bin/group\n");
  ASSERT_TRUE(outcome.config);
  const auto& notify = outcome.config->notify;
  EXPECT_EQ(notify.fifo, "/run/x");
  ASSERT_THAT(notify.programs, SizeIs(3));
  EXPECT_THAT(notify.programs.at("").arguments, ElementsAre("/usr/local/bin/all", "-v"));
  EXPECT_EQ(notify.programs.at("INSTANCE front").user, "bob");
  EXPECT_EQ(notify.programs.at("GROUP g").user, "alice");
}

TEST(Pauses, AreRead) {
  const auto outcome = parse_text(kFront + "preempt_delay = 5m\nstartup_delay = 30s\nflap_hold_down = 0s\n");
  ASSERT_TRUE(outcome.config);
  const auto& front = outcome.config->vrrp.instances.at(0);
  EXPECT_EQ(front.preempt_delay, 5min);
  EXPECT_EQ(front.startup_delay, 30s);
  EXPECT_EQ(front.flap_hold_down, 0s);
}

TEST(Pauses, BeforePreemptionNeedPreemption) {
  EXPECT_THAT(said_of(kFront + "preempt = no\npreempt_delay = 5m\n"),
              ElementsAre("6:1 error: preempt_delay has no meaning with preempt = no"));
}

}  // namespace
}  // namespace lvsd::daemon

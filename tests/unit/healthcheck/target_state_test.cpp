#include "healthcheck/target_state.hpp"

#include <gtest/gtest.h>

namespace lvsd::healthcheck {
namespace {

using namespace std::chrono_literals;

const Moment kNow{base::TimePoint{1000s}, 1'700'000'000'000};
const CheckResult kPass{Reason::Ok, "200 in 3 ms", 3ms};
const CheckResult kFail{Reason::Refused, "connection refused", 1ms};
const CheckResult kLocal{Reason::Local, "not checked: Too many open files on this director", 0ms};

Target target() {
  Target t;
  t.id = "http_ok@10.0.0.11:80";
  t.check.name = "http_ok";
  t.check.type = CheckType::Http;
  t.check.path = "/healthz";
  t.endpoint = *base::Endpoint::parse("10.0.0.11:80");
  return t;
}

TEST(TargetState, TellsTheThirdFailureWithItsReason) {
  const auto t = target();
  TargetState state{t.check, Verdict::up, 5};
  EXPECT_FALSE(state.observe(t.id, kFail, kNow));
  EXPECT_FALSE(state.observe(t.id, kFail, kNow));
  const auto change = state.observe(t.id, kFail, kNow);
  ASSERT_TRUE(change);
  EXPECT_EQ(change->target, t.id);
  EXPECT_EQ(change->verdict, Verdict::down);
  EXPECT_EQ(change->reason, "connection refused (3rd failure)");
  EXPECT_EQ(change->unix_ms, kNow.unix_ms);
}

TEST(TargetState, DoesNotCountLocalTroubleAgainstTheServer) {
  const auto t = target();
  TargetState state{t.check, Verdict::up, 5};
  state.observe(t.id, kFail, kNow);
  state.observe(t.id, kFail, kNow);
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(state.observe(t.id, kLocal, kNow));
  const auto status = state.status(t, kNow.now);
  EXPECT_EQ(status.verdict, Verdict::up);
  EXPECT_EQ(status.streak, 2u);
  EXPECT_EQ(status.failed, 2u);
  EXPECT_EQ(status.not_checked, 10u);
  EXPECT_EQ(status.last_code, "local");
  EXPECT_EQ(status.last_result, kLocal.text);
  EXPECT_EQ(status.history, "--??????????");
}

TEST(TargetState, LeavesANewTargetUnknownWhileItCannotBeChecked) {
  const auto t = target();
  TargetState state{t.check, Verdict::unknown, 5};
  EXPECT_FALSE(state.observe(t.id, kLocal, kNow));
  EXPECT_EQ(state.verdict(), Verdict::unknown);
  EXPECT_EQ(state.observe(t.id, kPass, kNow)->verdict, Verdict::up);
}

TEST(TargetState, ShowsItselfAsLvsctlNeedsIt) {
  const auto t = target();
  TargetState state{t.check, Verdict::unknown, 5};
  EXPECT_EQ(state.status(t, kNow.now).since_unix_ms, 0);
  EXPECT_EQ(state.status(t, kNow.now).last_age_ms, -1);
  state.observe(t.id, kFail, kNow);
  const auto down = state.status(t, kNow.now + 1500ms);
  EXPECT_EQ(down.target, "http://10.0.0.11:80/healthz");
  EXPECT_EQ(down.verdict, Verdict::down);
  EXPECT_EQ(down.since_unix_ms, kNow.unix_ms);
  EXPECT_FALSE(down.last_passed);
  EXPECT_EQ(down.last_age_ms, 1500);
  EXPECT_EQ(down.last_latency_us, 1000);
  EXPECT_EQ(down.down_reason, "connection refused (1st failure)");
  state.observe(t.id, kPass, kNow);
  EXPECT_EQ(state.observe(t.id, kPass, kNow)->reason, "200 in 3 ms (2nd success)");
  EXPECT_EQ(state.status(t, kNow.now).down_reason, "");
  EXPECT_EQ(state.status(t, kNow.now).history, "-++");
}

TEST(TargetState, KeepsThe32NewestResults) {
  const auto t = target();
  TargetState state{t.check, Verdict::unknown, 5};
  for (int i = 0; i < 100; ++i) state.observe(t.id, i < 99 ? kPass : kFail, kNow);
  EXPECT_EQ(state.status(t, kNow.now).history, std::string(31, '+') + "-");
}

TEST(SameQuestion, LooksAtWhatTheServerIsAskedOnly) {
  const CheckConfig a = target().check;
  CheckConfig b = a;
  b.name = "other";
  b.interval = 7s;
  b.timeout = 5s;
  b.rise = b.fall = 9;
  EXPECT_TRUE(same_question(a, b));
  b.path = "/ready";
  EXPECT_FALSE(same_question(a, b));
}

TEST(TargetState, AsksInItsOwnRhythmWhileDownAndWhileInDoubt) {
  auto t = target();
  t.check.rise = t.check.fall = 2;
  t.check.interval = 2s;
  TargetState state{t.check, Verdict::up, 5};
  EXPECT_EQ(state.interval(t.check), 2s);
  state.observe(t.id, kFail, kNow);
  EXPECT_EQ(state.interval(t.check), 2s) << "none configured";
  t.check.fast_interval = 500ms;
  t.check.down_interval = 10s;
  EXPECT_EQ(state.interval(t.check), 500ms) << "in doubt";
  state.observe(t.id, kFail, kNow);
  EXPECT_EQ(state.interval(t.check), 10s) << "down";
  state.observe(t.id, kPass, kNow);
  EXPECT_EQ(state.interval(t.check), 500ms) << "in doubt again";
  state.observe(t.id, kPass, kNow);
  EXPECT_EQ(state.interval(t.check), 2s) << "up";
}

TEST(TargetState, RemembersTheCertificateThroughResultsThatSawNone) {
  const auto t = target();
  TargetState state{t.check, Verdict::up, 5};
  auto seen = kPass;
  seen.certificate_expires_unix_ms = 77;
  state.observe(t.id, seen, kNow);
  state.observe(t.id, kFail, kNow);
  EXPECT_EQ(state.status(t, kNow.now).certificate_expires_unix_ms, 77);
}

Moment later(base::Duration time) { return {kNow.now + time, kNow.unix_ms + base::milliseconds(time)}; }

TEST(TargetState, WhatOthersReportTakesItDownAtOnceAndPassesCountAfterAPause) {
  const auto t = target();
  TargetState state{t.check, Verdict::up, 5};
  const auto change = state.report(t.id, "5 connections in a second got no reply", kNow);
  ASSERT_TRUE(change);
  EXPECT_EQ(change->verdict, Verdict::down);
  EXPECT_EQ(state.status(t, kNow.now).down_reason, "5 connections in a second got no reply");
  for (int i = 1; i < 5; ++i) EXPECT_FALSE(state.observe(t.id, kPass, later(i * 1s)));
  EXPECT_FALSE(state.observe(t.id, kPass, later(5s)));
  EXPECT_EQ(state.observe(t.id, kPass, later(6s))->verdict, Verdict::up) << "rise = 2";
}

TEST(TargetState, ReportsThatFollowHoldItDownLonger) {
  const auto t = target();
  TargetState state{t.check, Verdict::up, 5};
  state.report(t.id, "silence", kNow);
  EXPECT_FALSE(state.report(t.id, "silence", later(4s))) << "still the connections of before";
  state.observe(t.id, kPass, later(6s));
  EXPECT_TRUE(state.observe(t.id, kPass, later(7s)));
  EXPECT_TRUE(state.report(t.id, "silence", later(8s)));
  EXPECT_FALSE(state.observe(t.id, kPass, later(17s)));
  EXPECT_FALSE(state.observe(t.id, kPass, later(17s + 500ms))) << "10 s this time";
  EXPECT_FALSE(state.observe(t.id, kPass, later(18s)));
  EXPECT_TRUE(state.observe(t.id, kPass, later(19s)));
  EXPECT_TRUE(state.report(t.id, "silence", later(700s)));
  EXPECT_FALSE(state.observe(t.id, kPass, later(705s)));
  EXPECT_TRUE(state.observe(t.id, kPass, later(706s))) << "forgiven after ten minutes";
}

TEST(TargetState, ATimeoutIsSilentOnlyWithoutAConnection) {
  const auto t = target();
  for (const auto& [result, silent] : {std::pair{CheckResult{Reason::Timeout, "timed out", 1s}, true},
                                       {kFail, false},
                                       {CheckResult{Reason::Unreachable, "host unreachable", 1s}, true}}) {
    TargetState state{t.check, Verdict::unknown, 5};
    EXPECT_EQ(state.observe(t.id, result, kNow)->silent, silent) << result.text;
  }
  CheckResult hung{Reason::Timeout, "timed out (connected, no reply)", 1s};
  hung.connected = true;
  TargetState state{t.check, Verdict::unknown, 5};
  EXPECT_FALSE(state.observe(t.id, hung, kNow)->silent);
}

}  // namespace
}  // namespace lvsd::healthcheck

#include "daemon/page.hpp"

#include <gmock/gmock.h>

namespace lvsd::daemon {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::int64_t kNow = 1'771'406'400'000;

struct Sample {
  Sample() {
    overview.node = "lvs1";
    overview.version = "0.1.0";
    overview.backend = "engine";
    overview.config.fingerprint = "3f9c2e1";
    overview.started_unix_ms = kNow - 3'600'000;
    overview.attention = {
        {"DOWN", "web/rs2", kNow - 60'000, "HTTP 503, body \"<b>sick</b>\"", "lvsctl checks web/rs2"}};
    snapshot.vrrp.emplace();
    snapshot.vrrp->instances.resize(1);
    snapshot.vrrp->instances[0].name = "front";
    snapshot.vrrp->instances[0].role = vrrp::Role::master;
    snapshot.table.emplace();
    auto& web = snapshot.table->services.emplace_back();
    web.name = "web";
    web.listeners = {{"tcp", *base::Endpoint::parse("198.51.100.1:80")}};
    web.quorum = 2;
    web.usable_weight = 10;
    auto& server = web.servers.emplace_back();
    server.name = "rs2";
    server.address = *base::Endpoint::parse("10.0.0.12:8080");
    server.state = ipvs::ServerState::down;
    server.weight = 10;
    server.checks = {"http@10.0.0.12:8080"};
    snapshot.healthcheck.emplace();
    auto& target = snapshot.healthcheck->targets.emplace_back();
    target.id = "http@10.0.0.12:8080";
    target.verdict = healthcheck::Verdict::down;
    target.since_unix_ms = kNow - 60'000;
    target.last_result = "HTTP 503";
    target.down_reason = "HTTP 503 (3rd failure)";
    events.events = {{1, kNow - 60'000, "server", "web/rs2", "up", "down", "HTTP 503 (3rd failure)"}};
  }
  std::string text() const { return status_page({overview, snapshot, overrides, events, kNow}); }

  Overview overview;
  Snapshot snapshot;
  OverrideList overrides;
  EventList events;
};

TEST(StatusPage, ShowsOverviewRolesServersWithReasonsAndEvents) {
  const auto page = Sample{}.text();
  for (const auto* part : {"lvs1", "3f9c2e1", "front", "MASTER", "198.51.100.1:80", "10.0.0.12:8080", "0 of 10",
                           "HTTP 503 (3rd failure)", "usable weight 10, quorum 2", "lvsctl checks web/rs2", "up →"})
    EXPECT_THAT(page, HasSubstr(part));
}

TEST(StatusPage, NeedsNothingFromElsewhereAndRunsNothing) {
  const auto page = Sample{}.text();
  for (const auto* part : {"<script", "src=", "http://", "https://", "<form", "@import", "url("})
    EXPECT_THAT(page, Not(HasSubstr(part)));
}

TEST(StatusPage, WhatServersSaidIsNoMarkup) {
  const auto page = Sample{}.text();
  EXPECT_THAT(page, HasSubstr("&lt;b&gt;sick&lt;/b&gt;"));
  EXPECT_THAT(page, Not(HasSubstr("<b>")));
}

TEST(StatusPage, ARoomThatDoesNotAnswerIsSaid) {
  Sample sample;
  sample.snapshot.table.reset();
  sample.snapshot.vrrp.reset();
  sample.snapshot.healthcheck.reset();
  EXPECT_THAT(sample.text(), HasSubstr("the forwarding table is not known"));
}

TEST(StatusPage, TellsWhatIsSpecialAboutAServer) {
  Sample sample;
  auto& server = sample.snapshot.table->services[0].servers[0];
  server.state = ipvs::ServerState::up;
  server.slow_start_percent = 40;
  server.overloaded = true;
  server.overridden = "weight 5";
  sample.overrides.overrides = {{"web/rs2", "weight", "5", "alice", "hot disk", kNow - 1000, 0}};
  EXPECT_THAT(sample.text(), HasSubstr("up, weight 5, full, slow start 40%"));
  EXPECT_THAT(sample.text(), HasSubstr("hot disk"));
}

}  // namespace
}  // namespace lvsd::daemon

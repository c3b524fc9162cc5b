#include "daemon/ctl/override_commands.hpp"

#include <gmock/gmock.h>

#include "tests/unit/daemon/ctl/canned_daemon.hpp"

namespace lvsd::ctl {
namespace {

using namespace lvsd::ctl::test;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr const char* kDrained =
    R"({"schema":1,"dry_run":false,"warnings":[],"other_nodes":["lvs2"],"changes":[{"server":"web/rs1","weight_before":10,)"
    R"("weight_after":0,"overridden":"drain","until_unix_ms":0,"undo":"lvsctl undrain web/rs1"}]})";

// The sample's web/rs1, drained, with so many connections.
std::string table_with(std::uint64_t connections, std::string overridden = "drain") {
  auto t = table();
  auto& server = t.services.at(0).servers.at(0);
  server.overridden = std::move(overridden);
  server.state = ipvs::ServerState::drain;
  server.effective_weight = 0;
  server.active_connections = connections;
  return body(t);
}

TEST_F(Run, DrainAsksForTheServersMeantAndSaysHowToUndoIt) {
  replies["/api/v1/overrides"] = {200, kDrained};
  EXPECT_EQ(lvsctl({"drain", "10.0.0.11", "--for", "2h", "--reason", "disk", "--force", "-y"}), 0) << err;
  EXPECT_THAT(requests.back(), StartsWith("/run/lvsd/lvsd.sock POST /api/v1/overrides"));
  EXPECT_THAT(bodies.back(), HasSubstr(R"("action":"drain","servers":["web/rs1")"));
  EXPECT_THAT(bodies.back(), HasSubstr(R"("for_ms":7200000,"reason":"disk","force":true)"));
  EXPECT_THAT(
      out, HasSubstr("web/rs1: weight 10 → 0 (override: drain, survives reload and restart); 8102 connections to go"));
  EXPECT_THAT(out, HasSubstr("undo: lvsctl undrain web/rs1"));
  EXPECT_THAT(err, HasSubstr("lvs2 has overrides of its own"));
}

TEST_F(Run, WaitFollowsTheConnectionsAndEndsWithSevenWhenTheyDoNot) {
  replies["/api/v1/overrides"] = {200, kDrained};
  std::uint64_t left = 3;
  around.sleep = [&](base::Duration d) {
    slept += d;
    replies["/api/v1/table"] = {200, table_with(left > 0 ? --left : 0)};
  };
  replies["/api/v1/table"] = {200, table_with(3)};
  EXPECT_EQ(lvsctl({"drain", "web/rs1", "--wait"}), 0) << err;
  EXPECT_THAT(out, HasSubstr("  3 connections left\n  2 connections left\n  1 connection left\n"));
  EXPECT_THAT(out, HasSubstr("no connection is left"));

  around.sleep = [&](base::Duration d) { slept += d; };
  replies["/api/v1/table"] = {200, table_with(5)};
  slept = {};
  EXPECT_EQ(lvsctl({"drain", "--wait", "2", "web/rs1"}), 7);
  EXPECT_EQ(slept, std::chrono::seconds{2});
  EXPECT_THAT(err, HasSubstr("5 connections left after 2s; the override stays in force"));
  replies["/api/v1/table"] = {200, table_with(5, "")};
  replies["/api/v1/overrides"] = {200, kDrained};
  EXPECT_EQ(lvsctl({"drain", "web/rs2", "--wait"}), 1) << "somebody has ended it";
}

TEST_F(Run, OverridesEndAsTheDaemonAnswers) {
  replies["/api/v1/overrides"] = {409, R"({"error":{"code":"refused","message":"would leave","hint":"--force"}})"};
  EXPECT_EQ(lvsctl({"disable", "web/rs1"}), 6);
  EXPECT_EQ(lvsctl({"drain", "web/rs99"}), 5);
  for (const auto& wrong : std::vector<std::vector<std::string>>{{"drain"},
                                                                 {"weight", "web/rs1"},
                                                                 {"weight", "web/rs1", "many"},
                                                                 {"weight", "5"},
                                                                 {"undrain", "web/rs1", "--wait"},
                                                                 {"drain", "web/rs1", "--for", "soon"}}) {
    EXPECT_EQ(lvsctl(wrong), 2) << ::testing::PrintToString(wrong);
  }
  replies["/api/v1/overrides"] = {
      200,
      R"({"schema":1,"overrides":[{"server":"web/rs1","kind":"weight","weight":"50%","by":"bob","reason":"hot disk",)"
      R"("since_unix_ms":1771406100000,"until_unix_ms":0}]})"};
  EXPECT_EQ(lvsctl({"overrides"}), 0) << err;
  EXPECT_EQ(out,
            "SERVER   OVERRIDE    BY   SINCE     UNTIL  REASON\nweb/rs1  weight 50%  bob  09:15:00  -      hot disk\n");
  replies["/api/v1/overrides"] = {200, R"({"schema":1,"dry_run":false,"changes":[],"warnings":[],"other_nodes":[]})"};
  EXPECT_EQ(lvsctl({"overrides", "clear"}), 0) << err;
  EXPECT_THAT(bodies.back(), HasSubstr(R"("action":"clear","servers":[])"));
  EXPECT_EQ(out, "nothing changed: it is so already\n");
}

}  // namespace
}  // namespace lvsd::ctl

#include "daemon/routes.hpp"

#include <boost/json.hpp>
#include <gmock/gmock.h>

namespace lvsd::daemon {
namespace {

using testing::HasSubstr;
using testing::Pair;
using testing::UnorderedElementsAre;

class RoutesTest : public testing::Test {
 protected:
  HttpAnswer ask(std::string method, std::string target, Door door = Door::ReadWrite, std::string body = {}) {
    std::optional<HttpAnswer> answer;
    routes({std::move(method), std::move(target), door, "uid 0 pid 1", std::move(body), 0},
           [&](HttpAnswer a) { answer = std::move(a); });
    return answer.value();
  }

  Question asked;
  base::Result<Answer> reply = base::fail("ipvs: no answer within 2s");
  std::string reload_peer;
  bool all_work = true;
  OverrideList overrides;
  std::optional<OverrideRequest> wanted;
  std::pair<std::uint64_t, std::size_t> events_asked;
  base::Result<OverrideResult, Objection> override_result = OverrideResult{};
  Sources sources{"lvs1", false, {{"/etc/lvsd.conf", "[global]\n"}}};
  Routes routes{Control{[] {
                          Situation s;
                          s.node = "lvs1";
                          return s;
                        },
                        [this](Question question, const Questions::Then& then) {
                          asked = std::move(question);
                          then(reply);
                        },
                        [](bool, const std::function<void(Snapshot)>& then) { then({}); }, [this] { return &sources; },
                        [this](std::string peer, const std::function<void(ReloadResult)>& done) {
                          reload_peer = std::move(peer);
                          done({true, "3f9c2e1", "", {}, 1});
                        },
                        [this] { return all_work; }, [this] { return overrides; },
                        [this](OverrideRequest request, const HttpRequest&, const Control::Overridden& done) {
                          wanted = std::move(request);
                          done(override_result);
                        },
                        [this](std::uint64_t after, std::size_t limit) {
                          events_asked = {after, limit};
                          return EventList{7, 1, {{7, 2, "server", "web/rs1", "up", "down", "refused"}}};
                        }}};
};

TEST_F(RoutesTest, AnswersCarryTheSchemaAndTheirTime) {
  const auto answer = ask("GET", "/api/v1/status");

  EXPECT_EQ(answer.status, 200);
  const auto body = boost::json::parse(answer.body).as_object();
  EXPECT_EQ(body.at("schema").as_int64(), 1);
  EXPECT_EQ(body.at("node").as_string(), "lvs1");
  EXPECT_THAT(std::string{body.at("generated_at").as_string()}, testing::MatchesRegex("....-..-..T..:..:..Z"));
}

TEST_F(RoutesTest, ARoomsAnswerIsPassedOn) {
  ipvs::Table table;
  table.backend = "engine";
  reply = Answer{table};

  const auto answer = ask("GET", "/api/v1/table");

  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.body, HasSubstr("\"backend\":\"engine\""));
}

TEST_F(RoutesTest, ASilentRoomIs503WithTheReason) {
  for (const char* path : {"/api/v1/table", "/api/v1/vrrp", "/api/v1/checks", "/api/v1/drops", "/api/v1/connections"}) {
    const auto answer = ask("GET", path);
    EXPECT_EQ(answer.status, 503) << path;
    EXPECT_THAT(answer.body, HasSubstr("no answer within 2s")) << path;
  }
}

TEST_F(RoutesTest, ConnectionsTakeTheirFiltersFromTheQuery) {
  reply = Answer{ipvs::Connections{}};

  ask("GET", "/api/v1/connections?service=web%20one&client=10.0.0.9&server=rs1&limit=5");

  const auto& query = std::get<ipvs::ConnectionsQuery>(asked);
  EXPECT_EQ(query.service, "web one");
  EXPECT_EQ(query.client, "10.0.0.9");
  EXPECT_EQ(query.server, "rs1");
  EXPECT_EQ(query.limit, 5U);
}

TEST_F(RoutesTest, BadQueriesAreRefused) {
  for (const char* target :
       {"/api/v1/connections?limit=x", "/api/v1/connections?limit=-1", "/api/v1/connections?limit=5x",
        "/api/v1/connections?colour=red", "/api/v1/connections?client=%4"}) {
    EXPECT_EQ(ask("GET", target).status, 400) << target;
  }
}

TEST_F(RoutesTest, ReloadIsForTheReadWriteSocketAlone) {
  EXPECT_EQ(ask("POST", "/api/v1/reload", Door::ReadOnly).status, 403);
  EXPECT_EQ(ask("POST", "/api/v1/reload", Door::Tcp).status, 403);
  EXPECT_EQ(reload_peer, "");
  EXPECT_EQ(ask("POST", "/api/v1/reload", Door::ReadWrite).status, 200);
  EXPECT_EQ(reload_peer, "uid 0 pid 1");
}

TEST_F(RoutesTest, OverridesAreReadByAllAndMadeOnTheReadWriteSocketAlone) {
  overrides.overrides = {{"web/rs1", "drain", "", "alice", "disk", 1, 0}};
  EXPECT_THAT(ask("GET", "/api/v1/overrides", Door::Tcp).body, HasSubstr("\"by\":\"alice\""));

  const std::string body = R"({"action":"weight","servers":["web/rs1"],"weight":"50%","for_ms":7200000})";
  EXPECT_EQ(ask("POST", "/api/v1/overrides", Door::ReadOnly, body).status, 403);
  EXPECT_EQ(ask("POST", "/api/v1/overrides", Door::Tcp, body).status, 403);
  EXPECT_FALSE(wanted);
  EXPECT_EQ(ask("POST", "/api/v1/overrides", Door::ReadWrite, body).status, 200);
  ASSERT_TRUE(wanted);
  EXPECT_EQ(wanted->weight, "50%");
  EXPECT_EQ(wanted->for_ms, 7'200'000);
  EXPECT_FALSE(wanted->force) << "members left out have their defaults";
  EXPECT_EQ(ask("DELETE", "/api/v1/overrides").allow, "GET, POST");
}

TEST_F(RoutesTest, BadOverrideRequestsAreRefusedAndObjectionsPassedOn) {
  for (const char* bad :
       {"", "[]", "{\"acton\":\"drain\"}", "{\"servers\":\"web/rs1\"}", "{\"force\":1}", "{\"for_ms\":1.5}"}) {
    EXPECT_EQ(ask("POST", "/api/v1/overrides", Door::ReadWrite, bad).status, 400) << bad;
    EXPECT_FALSE(wanted) << bad;
  }
  override_result = tl::unexpected{Objection{409, "refused", "would leave \"web\" without a usable server", ""}};
  const auto answer = ask("POST", "/api/v1/overrides", Door::ReadWrite, R"({"action":"drain","servers":["web/rs1"]})");
  EXPECT_EQ(answer.status, 409);
  EXPECT_THAT(answer.body, HasSubstr("without a usable server"));
}

TEST_F(RoutesTest, TheConfigurationIsNotToldOverTcp) {
  EXPECT_EQ(ask("GET", "/api/v1/config", Door::Tcp).status, 403);
  EXPECT_THAT(ask("GET", "/api/v1/config", Door::ReadOnly).body, HasSubstr("/etc/lvsd.conf"));
}

TEST_F(RoutesTest, WrongMethodsAndPathsAreTold) {
  const auto wrong_method = ask("GET", "/api/v1/reload");
  EXPECT_EQ(wrong_method.status, 405);
  EXPECT_EQ(wrong_method.allow, "POST");
  EXPECT_EQ(ask("GET", "/api/v1/nothing").status, 404);
  EXPECT_EQ(ask("DELETE", "/metrics").status, 405);
}

TEST_F(RoutesTest, ReadyzSaysWhetherEveryRoomWorks) {
  EXPECT_EQ(ask("GET", "/readyz").status, 200);
  all_work = false;
  EXPECT_EQ(ask("GET", "/readyz").status, 503);
  EXPECT_EQ(ask("GET", "/healthz").status, 200);
}

TEST(Target, IsSplitAndDecoded) {
  const auto target = parse_target("/a/b?x=1&y=a%2Fb+c&flag&x=2");

  ASSERT_TRUE(target);
  EXPECT_EQ(target->path, "/a/b");
  EXPECT_THAT(target->parameters, UnorderedElementsAre(Pair("x", "2"), Pair("y", "a/b c"), Pair("flag", "")));
}

TEST(Target, BadEscapesAreErrors) {
  for (const char* bad : {"/?x=%", "/?x=%4", "/?x=%zz", "/?%q=1"}) EXPECT_FALSE(parse_target(bad)) << bad;
}

TEST_F(RoutesTest, EventsAreReadFromANumberOn) {
  const auto answer = ask("GET", "/api/v1/events?after=5&limit=10", Door::Tcp);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(events_asked, (std::pair<std::uint64_t, std::size_t>{5, 10}));
  EXPECT_THAT(answer.body, HasSubstr("\"subject\":\"web/rs1\""));
  EXPECT_EQ(ask("GET", "/api/v1/events?after=x").status, 400);
  EXPECT_EQ(ask("GET", "/api/v1/events?since=1").status, 400);
}

TEST_F(RoutesTest, ChecksAreMadeAtOnceByWhoMayChangeThings) {
  reply = healthcheck::CheckedNow{};
  EXPECT_EQ(ask("POST", "/api/v1/checks/now", Door::ReadWrite, R"({"targets":["http@10.0.0.11:80"]})").status, 200);
  EXPECT_THAT(std::get<healthcheck::CheckNow>(asked).targets, testing::ElementsAre("http@10.0.0.11:80"));
  EXPECT_EQ(ask("POST", "/api/v1/checks/now", Door::ReadOnly, R"({"targets":["x"]})").status, 403);
  for (const auto* body : {"", "{}", R"({"targets":[]})", R"({"targets":7})", R"({"targets":["x"],"more":1})"})
    EXPECT_EQ(ask("POST", "/api/v1/checks/now", Door::ReadWrite, body).status, 400) << body;
}

TEST_F(RoutesTest, TheRootIsThePageForPeople) {
  const auto answer = ask("GET", "/", Door::Tcp);
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.content_type, HasSubstr("text/html"));
  EXPECT_THAT(answer.body, HasSubstr("web/rs1"));
}

}  // namespace
}  // namespace lvsd::daemon

#include "daemon/ctl/replies.hpp"

#include <gmock/gmock.h>

#include "base/json.hpp"
#include "tests/unit/daemon/ctl/samples.hpp"

namespace lvsd::ctl {
namespace {

using namespace lvsd::ctl::test;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(Replies, DecodeToWhatWasSent) {
  const auto o = decode<daemon::Overview>(body(overview()));
  ASSERT_TRUE(o) << o.error().text;
  EXPECT_EQ(o->attention.size(), 2u);
  EXPECT_EQ(o->config.last_reload_error, overview().config.last_reload_error);
  const auto t = decode<ipvs::Table>(body(table()));
  ASSERT_TRUE(t) << t.error().text;
  EXPECT_EQ(t->services[0].servers[1].state, ipvs::ServerState::down);
  EXPECT_EQ(t->services[0].servers[1].address.to_string(), table().services[0].servers[1].address.to_string());
  EXPECT_TRUE(decode<healthcheck::Status>(body(checks())));
  EXPECT_TRUE(decode<vrrp::Status>(body(vrrp_status())));
  EXPECT_TRUE(decode<ipvs::Connections>(body(connections())));
  EXPECT_TRUE(decode<ipvs::Drops>(body(drops())));
  EXPECT_TRUE(decode<daemon::ReloadResult>(body(reload_result())));
}

TEST(Replies, WithoutSchemaAndTimeAreAccepted) { EXPECT_TRUE(decode<ipvs::Drops>(R"({"id":0,"reasons":[]})")); }

TEST(Replies, OfAnotherShapeAreErrorsThatPointToTheVersions) {
  for (const auto* text : {R"({})", R"({"more":1})", R"({"id":0,"reasons":7})", R"({"id":0,"reasons":[7]})",
                           R"({"id":"0","reasons":[]})", R"({"schema":2,"id":0,"reasons":[]})"}) {
    const auto drops = decode<ipvs::Drops>(text);
    ASSERT_FALSE(drops) << text;
    EXPECT_THAT(drops.error().text, HasSubstr("same version")) << text;
  }
  for (const auto* text : {"", "[]", "<html>", "{"}) EXPECT_FALSE(decode<ipvs::Drops>(text)) << text;
}

// Every member that every object has, as a lvsd that knows more would send it; or none of one name.
boost::json::value with_surplus(boost::json::value value) {
  if (auto* array = value.if_array()) {
    for (auto& element : *array) element = with_surplus(element);
  } else if (auto* object = value.if_object()) {
    for (auto& [name, member] : *object) member = with_surplus(member);
    (*object)["from_the_future"] = {{"a", 1}};
  }
  return value;
}
boost::json::value without(boost::json::value value, std::string_view name) {
  if (auto* array = value.if_array()) {
    for (auto& element : *array) element = without(element, name);
  } else if (auto* object = value.if_object()) {
    object->erase({name.data(), name.size()});
    for (auto& [key, member] : *object) member = without(member, name);
  }
  return value;
}

TEST(Replies, OfANewerDaemonAreReadWithoutWhatIsUnknown) {
  const auto t = decode<ipvs::Table>(boost::json::serialize(with_surplus(boost::json::parse(body(table())))));
  ASSERT_TRUE(t) << t.error().text;
  EXPECT_EQ(boost::json::value_from(*t), boost::json::value_from(table()));
  const auto o = decode<daemon::Overview>(boost::json::serialize(with_surplus(boost::json::parse(body(overview())))));
  ASSERT_TRUE(o) << o.error().text;
  EXPECT_EQ(boost::json::value_from(*o), boost::json::value_from(overview()));
}

TEST(Replies, OfAnOlderDaemonHaveDefaultsForWhatIsMissing) {
  const auto t = decode<ipvs::Table>(boost::json::serialize(without(boost::json::parse(body(table())), "quorum")));
  ASSERT_TRUE(t) << t.error().text;
  EXPECT_EQ(t->services.at(1).quorum, 1u);
  EXPECT_EQ(t->services.at(1).name, "shop");
}

TEST(Replies, TheRunningConfigurationKeepsItsFilesInOrder) {
  const auto config =
      decode_config(body(daemon::Sources{"lvs1", false, {{"/etc/lvsd.conf", "[global]\n"}, {"/b", "x"}}}));
  ASSERT_TRUE(config) << config.error().text;
  EXPECT_EQ(config->sources.node, "lvs1");
  EXPECT_EQ(config->fingerprint, "3f9c2e1");
  ASSERT_EQ(config->sources.files.size(), 2u);
  EXPECT_EQ(config->sources.files[0].text, "[global]\n");
  EXPECT_FALSE(decode_config(R"({"node":"lvs1","files":[]})"));
  EXPECT_FALSE(decode_config(R"({"node":"lvs1","files":[{"path":"/x"}]})"));
}

TEST(Replies, ErrorsOfTheApiAreReadAndForeignOnesNamed) {
  const auto ours = decode_error(R"({"error":{"code":"not_found","message":"no such thing","hint":"look"}})", 404);
  EXPECT_EQ(ours.code, "not_found");
  EXPECT_EQ(ours.message, "no such thing");
  EXPECT_EQ(ours.hint, "look");
  for (const auto* text : {"", "Bad gateway", "{}", R"({"error":"x"})"}) {
    EXPECT_EQ(decode_error(text, 502).message, "the daemon answered with HTTP status 502") << text;
  }
}

TEST(Replies, JsonOfChosenObjectsKeepsTheRestOfTheReply) {
  const auto text = json_only(body(table()), "services", "name", {"shop"});
  EXPECT_THAT(text, HasSubstr("\"schema\":1"));
  EXPECT_THAT(text, HasSubstr("\"name\":\"shop\""));
  EXPECT_THAT(text, Not(HasSubstr("\"name\":\"web\"")));
  const auto reduced = decode<ipvs::Table>(text);
  ASSERT_TRUE(reduced);
  EXPECT_EQ(reduced->services.size(), 1u);
}

TEST(Replies, ServersInJsonNameTheirService) {
  const auto text = json_servers(body(table()), {"web/rs2"});
  EXPECT_THAT(text, ::testing::StartsWith(R"({"schema":1,"generated_at":"2026-02-18T09:20:00Z","servers":[{)"));
  EXPECT_THAT(text, HasSubstr(R"("service":"web")"));
  EXPECT_THAT(text, Not(HasSubstr("rs1")));
}

}  // namespace
}  // namespace lvsd::ctl

#include "daemon/overrides.hpp"

#include <gmock/gmock.h>

namespace lvsd::daemon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::int64_t kNow = 1'771'406'400'000;

// Two services: web with rs1 (weight 10) and rs2 (4), each checked; dns with one unchecked server.
class OverridesTest : public testing::Test {
 protected:
  OverridesTest() {
    ipvs::VirtualServerConfig web;
    web.name = "web";
    web.servers = {{"rs1", {}, ipvs::Method::Nat, 10, {"c1"}}, {"rs2", {}, ipvs::Method::Nat, 4, {"c2"}}};
    ipvs::VirtualServerConfig dns;
    dns.name = "dns";
    dns.servers = {{"ns1", {}, ipvs::Method::Nat, 1, {}}};
    config.virtual_servers = {web, dns};
  }

  base::Result<OverrideDecision, Objection> ask(OverrideRequest request) {
    return decide(now, request, {config, health, "alice", kNow});
  }
  // Asks and takes the outcome over.
  OverrideResult done(OverrideRequest request) {
    auto decision = ask(std::move(request));
    EXPECT_TRUE(decision) << (decision ? "" : decision.error().text);
    if (!decision) return {};
    now = decision->after;
    return decision->result;
  }
  // "web/rs1 drain", in order.
  std::vector<std::string> in_force() const {
    std::vector<std::string> out;
    for (const auto& o : now.overrides) out.push_back(o.server + " " + words(o));
    return out;
  }
  static OverrideRequest drain(std::vector<std::string> servers) {
    return {"drain", std::move(servers), "", 0, "", false, false};
  }
  static OverrideRequest weight(std::string server, std::string value) {
    return {"weight", {std::move(server)}, std::move(value), 0, "", false, false};
  }

  ipvs::Config config;
  ipvs::HealthView health{{"c1", true}, {"c2", true}};
  OverrideList now;
};

TEST_F(OverridesTest, TellWhatChangedAndHowToUndoIt) {
  auto request = drain({"web/rs1"});
  request.for_ms = 60'000;
  request.reason = "disk";
  const auto result = done(request);

  ASSERT_EQ(result.changes.size(), 1U);
  const auto& change = result.changes.front();
  EXPECT_EQ(change.server, "web/rs1");
  EXPECT_EQ(change.weight_before, 10U);
  EXPECT_EQ(change.weight_after, 0U);
  EXPECT_EQ(change.overridden, "drain");
  EXPECT_EQ(change.until_unix_ms, kNow + 60'000);
  EXPECT_EQ(change.undo, "lvsctl undrain web/rs1");
  EXPECT_EQ(now.overrides.front(), (OverrideStatus{"web/rs1", "drain", "", "alice", "disk", kNow, kNow + 60'000}));
}

TEST_F(OverridesTest, AServerHasOneStateAndOneWeight) {
  done(weight("web/rs1", "50%"));
  done(drain({"web/rs1"}));
  EXPECT_THAT(in_force(), ElementsAre("web/rs1 weight 50%", "web/rs1 drain"));
  EXPECT_EQ(done({"disable", {"web/rs1"}, "", 0, "", false, false}).changes[0].undo, "lvsctl drain web/rs1");
  EXPECT_EQ(done(weight("web/rs1", "3")).changes[0].undo, "lvsctl weight web/rs1 50%");
  EXPECT_THAT(in_force(), ElementsAre("web/rs1 disable", "web/rs1 weight 3"));
}

TEST_F(OverridesTest, AreEndedByTheirOpposite) {
  const auto all = [&] {
    now = {};
    done(weight("web/rs1", "3"));
    done(drain({"web/rs1"}));
    done({"disable", {"web/rs2"}, "", 0, "", true, false});
  };
  const std::vector<std::pair<OverrideRequest, std::vector<std::string>>> cases{
      {{"undrain", {"web/rs1", "web/rs2"}, "", 0, "", false, false}, {"web/rs1 weight 3", "web/rs2 disable"}},
      {{"enable", {"web/rs1", "web/rs2"}, "", 0, "", false, false}, {"web/rs1 weight 3"}},
      {weight("web/rs1", "default"), {"web/rs1 drain", "web/rs2 disable"}},
      {{"clear", {"web/rs1"}, "", 0, "", false, false}, {"web/rs2 disable"}},
      {{"clear", {}, "", 0, "", false, false}, {}}};
  for (const auto& [request, left] : cases) {
    all();
    done(request);
    EXPECT_EQ(in_force(), left) << request.action;
  }
  EXPECT_THAT(done({"undrain", {"web/rs1"}, "", 0, "", false, false}).changes, IsEmpty()) << "it was so already";
}

TEST_F(OverridesTest, TheLastUsableServerIsKeptUnlessForced) {
  health["c2"] = false;
  const auto refused = ask(drain({"web/rs1"}));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().status, 409);
  EXPECT_EQ(refused.error().text, "refused: would leave \"web\" without a usable server (rs2 is down)");
  EXPECT_EQ(ask(weight("web/rs1", "0")).error().status, 409) << "weight 0 comes to the same";
  EXPECT_EQ(ask({"disable", {"dns/ns1"}, "", 0, "", false, false}).error().text,
            "refused: would leave \"dns\" without a usable server");

  auto forced = drain({"web/rs1"});
  forced.force = true;
  EXPECT_TRUE(ask(forced));

  health["c1"] = false;
  EXPECT_TRUE(ask(drain({"web/rs1"}))) << "nobody answers anyway";
}

TEST_F(OverridesTest, ASorryServerIsNoUsableServer) {
  config.virtual_servers[0].has_sorry_server = true;
  config.virtual_servers[0].quorum = 5;
  EXPECT_EQ(ask(drain({"web/rs1"})).error().status, 409) << "4 is below the quorum of 5";
  EXPECT_TRUE(ask(drain({"web/rs2"})));
}

TEST_F(OverridesTest, BadRequestsChangeNothing) {
  const auto with = [](OverrideRequest r, auto change) {
    change(r);
    return r;
  };
  const std::vector<std::pair<OverrideRequest, int>> cases{
      {{"stop", {"web/rs1"}, "", 0, "", false, false}, 400},
      {drain({}), 400},
      {drain({"web/rs9"}), 404},
      {drain({"web"}), 404},
      {weight("web/rs1", ""), 400},
      {weight("web/rs1", "-1"), 400},
      {weight("web/rs1", "65536"), 400},
      {weight("web/rs1", "1001%"), 400},
      {weight("web/rs1", "5x"), 400},
      {with(drain({"web/rs1"}), [](auto& r) { r.weight = "5"; }), 400},
      {with(drain({"web/rs1"}), [](auto& r) { r.for_ms = -1; }), 400},
      {with(drain({"web/rs1"}), [](auto& r) { r.for_ms = kLongestOverrideMs + 1; }), 400},
      {with(drain({"web/rs1"}), [](auto& r) { r.reason = "two\nlines"; }), 400},
      {with(drain({"web/rs1"}), [](auto& r) { r.reason.assign(kLongestReason + 1, 'x'); }), 400}};
  for (const auto& [request, status] : cases) {
    const auto decision = ask(request);
    ASSERT_FALSE(decision) << request.action << request.weight;
    EXPECT_EQ(decision.error().status, status) << request.action << request.weight;
  }
}

TEST_F(OverridesTest, EndWithTheirTimeAndWithTheirServer) {
  now.overrides = {{"web/rs1", "drain", "", "a", "", 0, kNow},
                   {"web/rs2", "drain", "", "a", "", 0, kNow + 1},
                   {"web/rs3", "weight", "1", "a", "", 0, 0}};
  EXPECT_EQ(take_expired(now, kNow).size(), 1U);
  EXPECT_THAT(in_force(), ElementsAre("web/rs2 drain", "web/rs3 weight 1"));
  EXPECT_EQ(take_unknown(now, config).size(), 1U);
  EXPECT_THAT(in_force(), ElementsAre("web/rs2 drain"));
}

TEST_F(OverridesTest, TheRoomIsToldKindsAndNumbers) {
  done(weight("web/rs1", "50%"));
  done(weight("web/rs2", "7"));
  done(drain({"web/rs1"}));
  const auto told = for_room(now).overrides;
  ASSERT_EQ(told.size(), 3U);
  EXPECT_EQ(told[0].service + told[0].server, "webrs1");
  EXPECT_EQ(told[0].kind, ipvs::OverrideKind::percent);
  EXPECT_EQ(told[0].value, 50U);
  EXPECT_EQ(told[1].kind, ipvs::OverrideKind::drain);
  EXPECT_EQ(told[2].kind, ipvs::OverrideKind::weight);
  EXPECT_EQ(told[2].value, 7U);
}

TEST_F(OverridesTest, TheirTextReadsBack) {
  auto request = drain({"web/rs1", "web/rs2"});
  request.reason = "a \"reason\" with ünïcode";
  request.force = true;
  done(request);
  done(weight("web/rs1", "50%"));
  const auto read = decode_overrides(encode_overrides(now));
  ASSERT_TRUE(read) << read.error().text;
  EXPECT_EQ(*read, now);
}

TEST(OverridesText, AllOrNothingIsRead) {
  const std::string good =
      R"({"server":"web/rs1","kind":"drain","weight":"","by":"a","reason":"","since_unix_ms":1,"until_unix_ms":0})";
  const auto file = [](const std::string& overrides) { return R"({"version":1,"overrides":[)" + overrides + "]}"; };
  ASSERT_TRUE(decode_overrides(file(good)));
  const auto with = [&](std::string_view from, std::string_view to) {
    auto text = good;
    return text.replace(text.find(from), from.size(), to);
  };
  for (const auto& bad :
       {std::string{}, std::string{"[]"}, std::string{R"({"overrides":[]})"},
        std::string{R"({"version":2,"overrides":[]})"}, file(good) + "x", file(good + "," + good),
        file(with("drain", "drown")), file(with("web/rs1", "web")), file(with("\"weight\":\"\"", "\"weight\":\"5\"")),
        file(with("\"kind\":\"drain\"", "\"kind\":\"weight\"")),
        file(with("\"since_unix_ms\":1", "\"since_unix_ms\":-1")), file(with("\"by\":\"a\",", "")),
        file(with("\"by\"", "\"extra\":1,\"by\"")), file(with("\"by\":\"a\"", "\"by\":1"))}) {
    EXPECT_FALSE(decode_overrides(bad)) << bad;
  }
}

}  // namespace
}  // namespace lvsd::daemon

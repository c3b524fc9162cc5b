#include "daemon/metrics.hpp"

#include <fstream>
#include <set>
#include <sstream>

#include <gmock/gmock.h>

namespace lvsd::daemon {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Exposition, SaysHelpAndTypeOncePerFamilyAndKeepsItsSamplesTogether) {
  Exposition out;
  out.counter("a_total", "What a is.", {{"x", "1"}}, 5);
  out.gauge("b", "What b is.", {}, 2);
  out.counter("a_total", "What a is.", {{"x", "2"}}, 6);

  EXPECT_EQ(out.text(),
            "# HELP a_total What a is.\n# TYPE a_total counter\na_total{x=\"1\"} 5\na_total{x=\"2\"} 6\n"
            "# HELP b What b is.\n# TYPE b gauge\nb 2\n");
}

TEST(Exposition, EscapesLabelValues) {
  Exposition out;
  out.gauge("a", "h", {{"x", "q\"uote \\ back\nline"}}, 1);

  EXPECT_THAT(out.text(), HasSubstr("a{x=\"q\\\"uote \\\\ back\\nline\"} 1\n"));
}

TEST(Exposition, WritesNumbersExactly) {
  Exposition out;
  out.gauge("a", "h", {}, 0.001);
  out.gauge("b", "h", {}, 1795167321.042);
  out.gauge("c", "h", {}, 4294967296.0);
  out.counter("d_total", "h", {}, 18446744073709551615ULL);

  EXPECT_THAT(out.text(), HasSubstr("a 0.001\n"));
  EXPECT_THAT(out.text(), HasSubstr("b 1795167321.042\n"));
  EXPECT_THAT(out.text(), HasSubstr("c 4294967296\n"));
  EXPECT_THAT(out.text(), HasSubstr("d_total 18446744073709551615\n"));
}

Snapshot one_of_everything() {
  Snapshot s;
  s.vrrp.emplace();
  s.vrrp->instances.resize(1);
  s.vrrp->instances[0].name = "front";
  s.vrrp->instances[0].role = vrrp::Role::master;
  s.vrrp->instances[0].discarded = {{"ttl", 3}};
  s.healthcheck.emplace();
  s.healthcheck->targets.resize(1);
  s.healthcheck->targets[0].id = "http_ok@10.0.0.11:80";
  s.healthcheck->targets[0].check = "http_ok";
  s.healthcheck->targets[0].verdict = healthcheck::Verdict::up;
  s.healthcheck->targets[0].certificate_expires_unix_ms = 1'763'633'597'000;
  s.table.emplace();
  s.table->services.resize(1);
  auto& web = s.table->services[0];
  web.name = "web";
  web.usable_weight = 10;
  web.quorum = 12;
  web.short_of_quorum = true;
  web.statistics.in_packets = 7;
  web.listeners = {{"tcp", {base::IpAddress::v4(0x0a000064), 80}}};
  web.servers.resize(2);
  web.servers[0].name = "rs1";
  web.servers[0].checks = {"http_ok@10.0.0.11:80"};
  web.servers[0].effective_weight = 10;
  web.servers[0].active_connections = 4;
  web.servers[1].name = "rs2";
  web.servers[1].state = ipvs::ServerState::down;
  web.servers[1].active_connections = 1;
  web.servers[1].kept = true;
  web.servers[0].overloaded = true;
  web.servers[0].slow_start_percent = 25;
  web.servers[0].unanswered_connections = 6;
  s.table->interfaces.resize(1);
  s.table->interfaces[0].name = "eth0";
  s.drops = ipvs::Drops{0, {{"ttl", "", 9}}};
  s.sync = ipvs::SyncStatus{};
  s.sync->configured = true;
  s.sync->peers = {{}};
  return s;
}

TEST(Metrics, StatesAreOneSeriesEachAndNeverALabelOfACounter) {
  const auto text = metrics({}, one_of_everything());

  EXPECT_THAT(text, HasSubstr("lvsd_vrrp_state{instance=\"front\",state=\"master\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("lvsd_vrrp_state{instance=\"front\",state=\"backup\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("lvsd_server_state{service=\"web\",server=\"rs2\",state=\"down\"} 1\n"));
  std::istringstream lines{text};
  for (std::string line; std::getline(lines, line);) {
    if (line.find("_total{") != std::string::npos) {
      EXPECT_THAT(line, Not(HasSubstr("state=")));
    }
  }
}

TEST(Metrics, NumbersComeFromTheTable) {
  const auto text = metrics({}, one_of_everything());

  EXPECT_THAT(text, HasSubstr("lvsd_service_packets_total{service=\"web\",direction=\"in\"} 7\n"));
  EXPECT_THAT(text, HasSubstr("lvsd_service_connections_active{service=\"web\"} 5\n"));
  EXPECT_THAT(text, HasSubstr("lvsd_service_usable_weight{service=\"web\"} 10\n"));
  EXPECT_THAT(text, HasSubstr("lvsd_service_quorum{service=\"web\"} 12\n"));
  EXPECT_THAT(text, HasSubstr("lvsd_service_short_of_quorum{service=\"web\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("lvsd_server_kept{service=\"web\",server=\"rs2\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("lvsd_server_overloaded{service=\"web\",server=\"rs1\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("lvsd_server_slow_start_ratio{service=\"web\",server=\"rs1\"} 0.25\n"));
  EXPECT_THAT(text, HasSubstr("lvsd_server_unanswered_connections_total{service=\"web\",server=\"rs1\"} 6\n"));
  EXPECT_THAT(text, HasSubstr("lvsd_check_result{service=\"web\",server=\"rs1\",check=\"http_ok\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("lvsd_engine_drops_total{reason=\"ttl\"} 9\n"));
  EXPECT_THAT(text, HasSubstr("lvsd_vrrp_advertisement_errors_total{instance=\"front\",reason=\"ttl\"} 3\n"));
}

// Prometheus rejects a scrape in which a series stands twice.
TEST(Metrics, NoSeriesStandsTwiceAndEveryLineIsWellFormed) {
  auto snapshot = one_of_everything();
  Situation situation;
  situation.rooms.resize(3);
  situation.rooms[0].name = "ipvs";
  situation.rooms[1].name = "healthcheck";
  situation.rooms[2].name = "vrrp";
  const auto text = metrics(situation, snapshot);

  std::set<std::string> seen;
  std::istringstream lines{text};
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("# ")) {
      EXPECT_TRUE(seen.insert(line).second) << line;
      continue;
    }
    const auto name = line.substr(0, line.rfind(' '));
    EXPECT_TRUE(seen.insert(name).second) << name;
    EXPECT_TRUE(line.starts_with("lvsd_")) << line;
  }
  EXPECT_GT(seen.size(), 50U);
}

TEST(Metrics, EveryFamilyIsDocumented) {
  std::ifstream file{LVSD_SOURCE_DIR "/docs/metrics.md"};
  const std::string document{std::istreambuf_iterator<char>{file}, {}};
  Situation situation;
  situation.rooms.resize(1);
  std::istringstream lines{metrics(situation, one_of_everything())};
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("# TYPE ")) continue;
    const auto name = line.substr(7, line.find(' ', 7) - 7);
    EXPECT_THAT(document, HasSubstr("`" + name + "`"));
  }
}

TEST(Metrics, TransitionsAreCountedByServerAndState) {
  Situation situation;
  situation.transitions[{"web/rs1", ipvs::ServerState::down}] = 3;
  EXPECT_THAT(metrics(situation, {}),
              HasSubstr("lvsd_server_transitions_total{service=\"web\",server=\"rs1\",to=\"down\"} 3\n"));
}

TEST(Metrics, AreThereWhileNoRoomAnswers) { EXPECT_THAT(metrics({}, {}), HasSubstr("lvsd_build_info")); }

}  // namespace
}  // namespace lvsd::daemon

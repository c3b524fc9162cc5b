#include "daemon/overview.hpp"

#include <gmock/gmock.h>

namespace lvsd::daemon {
namespace {

using healthcheck::Verdict;
using ipvs::ServerState;
using ipvs::ServiceState;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

ipvs::ServerStatus server(std::string name, ServerState state, std::vector<std::string> checks = {}) {
  ipvs::ServerStatus s;
  s.name = std::move(name);
  s.state = state;
  s.checks = std::move(checks);
  return s;
}

ipvs::ServiceStatus service(std::string name, ServiceState state, std::vector<ipvs::ServerStatus> servers) {
  ipvs::ServiceStatus s;
  s.name = std::move(name);
  s.state = state;
  s.servers = std::move(servers);
  return s;
}

healthcheck::TargetStatus target(std::string id, Verdict verdict, std::int64_t since, std::string reason) {
  healthcheck::TargetStatus t;
  t.id = std::move(id);
  t.verdict = verdict;
  t.since_unix_ms = since;
  t.down_reason = std::move(reason);
  return t;
}

vrrp::InstanceStatus instance(std::string name, vrrp::Role role, std::string reason = {}) {
  vrrp::InstanceStatus i;
  i.name = std::move(name);
  i.role = role;
  i.reason = std::move(reason);
  return i;
}

RoomStatus room(std::string name, std::string state, std::string last_exit = {}) {
  RoomStatus r;
  r.name = std::move(name);
  r.state = std::move(state);
  r.last_exit = std::move(last_exit);
  return r;
}

std::vector<std::string> subjects(const Overview& overview) {
  std::vector<std::string> out;
  for (const auto& a : overview.attention) out.push_back(a.level + " " + a.subject);
  return out;
}

Snapshot healthy() {
  Snapshot s;
  s.vrrp = vrrp::Status{0, {instance("front", vrrp::Role::master)}, {}, {}};
  s.healthcheck = healthcheck::Status{};
  s.table = ipvs::Table{};
  s.table->services = {
      service("web", ServiceState::ok, {server("rs1", ServerState::up), server("rs2", ServerState::up)})};
  return s;
}

TEST(Overview, AHealthyDirectorNeedsNoAttention) {
  const auto result = overview({}, healthy());

  EXPECT_THAT(result.attention, IsEmpty());
  EXPECT_EQ(result.services_ok, 1U);
  EXPECT_EQ(result.servers_up, 2U);
  EXPECT_EQ(result.vrrp.at(0).role, "master");
}

TEST(Overview, ADownServerSaysWhySinceWhenAndWhatToRunNext) {
  auto snapshot = healthy();
  snapshot.table->services[0] =
      service("web", ServiceState::degraded,
              {server("rs1", ServerState::up), server("rs2", ServerState::down, {"a", "b", "c"})});
  snapshot.healthcheck->targets = {target("a", Verdict::up, 100, ""), target("b", Verdict::down, 900, "later"),
                                   target("c", Verdict::down, 500, "HTTP 503")};

  const auto result = overview({}, snapshot);

  ASSERT_THAT(subjects(result), ElementsAre("DOWN web/rs2"));
  EXPECT_EQ(result.attention[0].text, "HTTP 503");
  EXPECT_EQ(result.attention[0].since_unix_ms, 500);
  EXPECT_EQ(result.attention[0].command, "lvsctl checks web/rs2");
}

TEST(Overview, ADegradedServiceWithoutADownServerSpeaksForItself) {
  auto snapshot = healthy();
  snapshot.table->services[0] =
      service("web", ServiceState::degraded, {server("rs1", ServerState::up), server("rs2", ServerState::unknown)});

  EXPECT_THAT(subjects(overview({}, snapshot)), ElementsAre("WARN web"));
}

TEST(Overview, SaysThatAnInstanceFlaps) {
  auto snapshot = healthy();
  auto& front = snapshot.vrrp->instances.at(0);
  front.pause = "flap hold-down";
  front.pause_left_ms = 32'000;
  front.losses = 9;
  const auto attention = overview({}, snapshot).attention;
  ASSERT_EQ(attention.size(), 1U);
  EXPECT_EQ(attention[0].text, "flaps: lost its role 9 times in short order, waits another 32s");
}

TEST(Overview, WorstComesFirst) {
  auto snapshot = healthy();
  snapshot.table->services = {service("shop", ServiceState::sorry, {server("app1", ServerState::down)}),
                              service("web", ServiceState::down, {})};
  snapshot.table->interfaces.resize(1);
  snapshot.table->interfaces[0].name = "eth0";
  snapshot.table->interfaces[0].problem = "LRO is on";
  snapshot.vrrp->instances = {instance("front", vrrp::Role::fault, "interface eth0 is down")};
  Situation situation;
  situation.rooms = {room("healthcheck", "restarting", "killed by signal 9, 1s ago")};
  situation.config.last_reload_ok = false;
  situation.config.last_reload_error = "lvsd.conf:3:1: error: unknown key\n   3 | x\n";
  situation.problems = {"status page: listen on 127.0.0.1:9000: Address already in use"};

  const auto result = overview(situation, snapshot);

  EXPECT_THAT(subjects(result),
              ElementsAre("FAULT room healthcheck", "DOWN web", "FAULT vrrp front", "FAULT interface eth0",
                          "WARN config", "WARN shop", "DOWN shop/app1", "WARN lvsd"));
  EXPECT_THAT(result.attention[4].text, HasSubstr("lvsd.conf:3:1: error: unknown key"));
  EXPECT_EQ(result.attention[4].text.find('\n'), std::string::npos);
}

TEST(Overview, IsReadableWhileNoRoomAnswers) {
  Situation situation;
  situation.node = "lvs1";
  situation.backend = "engine";
  situation.rooms = {room("ipvs", "restarting", "exited with status 1, 2s ago"), room("vrrp", "starting")};

  const auto result = overview(situation, {});

  EXPECT_EQ(result.node, "lvs1");
  EXPECT_EQ(result.backend, "engine");
  EXPECT_THAT(subjects(result), ElementsAre("FAULT room ipvs"));
}

TEST(Overview, ARoomThatRefusesTheConfigurationIsAFault) {
  Situation situation;
  situation.refusals = {"ipvs: cannot load: no BPF"};

  const auto result = overview(situation, healthy());

  ASSERT_THAT(subjects(result), ElementsAre("FAULT room ipvs"));
  EXPECT_THAT(result.attention[0].text, HasSubstr("cannot load: no BPF"));
}

TEST(StatusLine, TellsRolesServicesAndWhatIsWrong) {
  Overview o;
  o.vrrp = {{"front", "master", 0, 150}, {"inside", "master", 0, 150}, {"third", "backup", 0, 100}};
  o.services_ok = 4;
  o.services_degraded = 1;
  o.servers_down = 1;

  EXPECT_EQ(status_line(o), "MASTER front,inside · BACKUP third · 4/5 services ok · 1 server down");
}

TEST(StatusLine, TellsMissingRoomsAndFailedReloads) {
  Overview o;
  o.rooms = {room("ipvs", "restarting")};
  o.config.last_reload_ok = false;
  o.servers_down = 2;

  EXPECT_EQ(status_line(o), "2 servers down · room ipvs not running · last reload failed");
}

TEST(Overview, AnOverrideIsToldWithWhoWhyAndTheWayBack) {
  auto snapshot = healthy();
  auto& rs2 = snapshot.table->services[0].servers[1];
  snapshot.table->services[0].state = ServiceState::degraded;
  rs2.state = ServerState::drain;
  rs2.overridden = "drain";
  rs2.active_connections = 41;
  Situation situation;
  situation.overrides.overrides = {{"web/rs1", "weight", "50%", "bob", "", 5, 0},
                                   {"web/rs2", "drain", "", "alice", "kernel upgrade", 7, 7 + 7'200'000}};

  const auto o = overview(situation, snapshot);

  ASSERT_THAT(subjects(o), ElementsAre("WEIGHT web/rs1", "DRAIN web/rs2"));
  EXPECT_EQ(o.attention[0].command, "lvsctl weight web/rs1 default");
  EXPECT_EQ(o.attention[1].text, "41 connections left, by alice, for 2h 0m: kernel upgrade");
  EXPECT_EQ(o.attention[1].command, "lvsctl undrain web/rs2");
  EXPECT_EQ(o.attention[1].since_unix_ms, 7);
}

TEST(Overview, ServersThatAreKeptAndServersThatAreFullAreSaid) {
  auto kept = server("rs1", ServerState::down);
  kept.kept = true;
  auto full = server("app1", ServerState::up);
  full.overloaded = true;
  full.max_connections = 2000;
  full.active_connections = 1990;
  full.inactive_connections = 10;
  auto snapshot = healthy();
  snapshot.table->services = {service("web", ServiceState::degraded, {kept}),
                              service("shop", ServiceState::ok, {full})};
  snapshot.table->services[0].all_down = "auto";
  const auto result = overview({}, snapshot);
  EXPECT_THAT(subjects(result), ElementsAre("WARN web", "DOWN web/rs1", "WARN shop/app1"));
  EXPECT_THAT(result.attention[0].text, HasSubstr("own network lost? Kept in use: rs1"));
  EXPECT_THAT(result.attention[2].text, HasSubstr("full: 2000 of max_connections 2000"));
}

}  // namespace
}  // namespace lvsd::daemon

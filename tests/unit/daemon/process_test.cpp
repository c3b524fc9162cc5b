// What happens when something dies, is silent, refuses, or is asked for too much.
#include "process_fixture.hpp"

namespace lvsd::daemon {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST_F(Process, StartsReadyWithItsThreeRooms) {
  start();

  EXPECT_EQ(ask("GET", "/readyz").status, 200);
  for (const char* name : {"ipvs", "healthcheck", "vrrp"})
    EXPECT_EQ(room(name).at("state").as_string(), "running") << name;
  EXPECT_THAT(read("vrrp.heard"), HasSubstr("{\"Configure\":{\"generation\":1}} fds=1"));
}

TEST_F(Process, AKilledRoomIsBackAtOnceAndToldWhatItKnew) {
  start();
  ASSERT_TRUE(remembered());
  for (const char* name : {"vrrp", "healthcheck", "ipvs"}) {
    const pid_t before = room_pid(name);
    forget(fmt::format("{}.heard", name));
    ::kill(before, SIGKILL);
    EXPECT_TRUE(wait_until([&] { return room_pid(name) > 0 && room_pid(name) != before; })) << name;
    EXPECT_TRUE(wait_until([&] { return ask("GET", "/readyz").status == 200; })) << name;
  }

  EXPECT_THAT(read("vrrp.heard"), HasSubstr("{\"Resume\":{\"masters\":[{\"name\":\"front\""));
  EXPECT_THAT(
      read("healthcheck.heard"),
      HasSubstr("{\"Known\":{\"targets\":[{\"id\":\"alive@10.0.0.11:80\",\"verdict\":\"up\",\"share\":{\"weight\":-1"));
  EXPECT_THAT(read("ipvs.heard"), HasSubstr("{\"Keep\":{\"names\":[\"xdp:eth0\"]}} fds=1"));
  EXPECT_THAT(read("ipvs.heard"),
              HasSubstr("\"complete\":true,\"targets\":[{\"id\":\"alive@10.0.0.11:80\",\"passes\":true}"));
  EXPECT_EQ(room("vrrp").at("restarts").to_number<int>(), 1);
}

TEST_F(Process, ARoomThatDiesAgainAndAgainIsShownWhileTheOthersGoOn) {
  start();
  write("healthcheck.does", "die");
  ::kill(room_pid("healthcheck"), SIGKILL);

  EXPECT_TRUE(wait_until([&] { return room("healthcheck").at("restarts").to_number<int>() >= 3; }));
  EXPECT_TRUE(wait_until([&] { return room("healthcheck").at("state").as_string() == "restarting"; }));
  EXPECT_THAT(std::string{room("healthcheck").at("last_exit").as_string()}, HasSubstr("exited with status 3"));
  EXPECT_EQ(room("vrrp").at("restarts").to_number<int>(), 0);
  EXPECT_THAT(boost::json::serialize(get("/api/v1/status").at("attention")), HasSubstr("room healthcheck"));
}

TEST_F(Process, ASilentRoomIsKilledAndReplaced) {
  start();
  const pid_t before = room_pid("vrrp");
  ::kill(before, SIGSTOP);

  EXPECT_TRUE(wait_until([&] { return room_pid("vrrp") > 0 && room_pid("vrrp") != before; }));
  EXPECT_THAT(std::string{room("vrrp").at("last_exit").as_string()}, HasSubstr("silent for"));
}

TEST_F(Process, DeathOfTheControlProcessTakesTheRoomsAlong) {
  start();
  const std::vector<pid_t> rooms{room_pid("ipvs"), room_pid("healthcheck"), room_pid("vrrp")};
  for (const pid_t one : rooms) ASSERT_GT(one, 0);

  finish(SIGKILL);

  for (const pid_t one : rooms) {
    EXPECT_TRUE(wait_until([&] { return dead(one); }, 1s)) << one;
  }
}

TEST_F(Process, AReturningControlProcessGoesOnWithWhatTheManagerHeld) {
  start();
  ASSERT_TRUE(remembered());
  finish(SIGKILL);
  for (const char* name : {"vrrp", "healthcheck", "ipvs"}) forget(fmt::format("{}.heard", name));
  manager.notices.clear();

  start();

  EXPECT_THAT(read("vrrp.heard"), HasSubstr("{\"Resume\":{\"masters\":[{\"name\":\"front\""));
  EXPECT_THAT(read("healthcheck.heard"), HasSubstr("\"verdict\":\"up\""));
  EXPECT_THAT(read("ipvs.heard"), HasSubstr("{\"Keep\":{\"names\":[\"xdp:eth0\"]}} fds=1"));
}

TEST_F(Process, AnInvalidFileAtTheReturnLeavesTheRememberedConfigurationInForce) {
  start();
  const auto fingerprint = in_force();
  ASSERT_TRUE(wait_until([&] {
    manager.listen();
    return manager.stored.contains("sources");
  }));
  finish(SIGKILL);
  configure("[broken\n");
  manager.notices.clear();

  start();

  EXPECT_EQ(in_force(), fingerprint);
  EXPECT_FALSE(get("/api/v1/status").at("config").at("last_reload_ok").as_bool());
}

TEST_F(Process, AnInvalidFileAtAFirstStartEndsWithStatusFour) {
  configure("[broken\n");
  pid = launch();

  const int status = finish(0);

  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 4);
  EXPECT_THAT(read("log"), HasSubstr("lvsd.conf:1:1: error:"));
}

TEST_F(Process, AGoodReloadIsInForceAndTold) {
  start();
  const auto before = in_force();
  configure(std::string{kConfig} + "real_server = rs2 10.0.0.12\n");

  const auto result = reload();

  EXPECT_TRUE(result.at("ok").as_bool());
  EXPECT_NE(in_force(), before);
  EXPECT_THAT(boost::json::serialize(result.at("changes")), HasSubstr("rs2"));
  EXPECT_THAT(read("ipvs.heard"), HasSubstr("{\"Configure\":{\"generation\":2}}"));
  EXPECT_TRUE(manager.said("RELOADING=1"));
}

TEST_F(Process, ABadReloadChangesNothingAndIsShown) {
  start();
  const auto before = in_force();
  for (const std::string& bad : {std::string{"[vrrp front]\npriorty = 5\n"}, std::string{}}) {
    configure(bad);
    const auto result = reload();
    EXPECT_FALSE(result.at("ok").as_bool());
    EXPECT_THAT(std::string{result.at("diagnostics").as_string()}, HasSubstr("error:"));
  }
  forget("lvsd.conf");
  EXPECT_THAT(std::string{reload().at("diagnostics").as_string()}, HasSubstr("No such file"));

  EXPECT_EQ(in_force(), before);
  EXPECT_THAT(boost::json::serialize(get("/api/v1/status").at("attention")), HasSubstr("the last reload failed"));
  EXPECT_THAT(read("ipvs.heard"), Not(HasSubstr("\"generation\":2")));
}

TEST_F(Process, AConfigurationThatARoomRefusesIsTakenBackEverywhere) {
  start();
  const auto before = in_force();
  write("vrrp.does", "refuse");
  configure(std::string{kConfig} + "real_server = rs2 10.0.0.12\n");

  const auto result = reload();

  EXPECT_FALSE(result.at("ok").as_bool());
  EXPECT_THAT(std::string{result.at("diagnostics").as_string()}, HasSubstr("room vrrp: told to refuse"));
  EXPECT_EQ(in_force(), before);
  EXPECT_TRUE(wait_until([&] {
    const auto heard = read("ipvs.heard");
    return heard.rfind("\"generation\":1}") > heard.rfind("\"generation\":2}");
  }));
}

TEST_F(Process, ManyReloadsInQuickSuccessionEndWithTheLastFile) {
  start();
  for (int i = 0; i < 50; ++i) {
    configure(fmt::format("{}real_server = rs2 10.0.0.12 weight={}\n", kConfig, i + 1));
    ::kill(pid, SIGHUP);
  }

  EXPECT_TRUE(wait_until([&] { return ask("GET", "/api/v1/config").body.find("weight=50") != std::string::npos; }));
  EXPECT_EQ(room("vrrp").at("restarts").to_number<int>(), 0);
}

TEST_F(Process, StopsTheRoomsInOrderAndLeavesNothingInTheStore) {
  start();
  const auto vrrp = room_pid("vrrp");
  manager.notices.clear();

  const int status = finish(SIGTERM);

  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  EXPECT_THAT(read("vrrp.heard"), HasSubstr(fmt::format("{} {{\"Stop\"", vrrp)));
  const auto log = read("log");
  EXPECT_LT(log.find("room vrrp: stopped"), log.find("room ipvs: stopped"));
  EXPECT_TRUE(manager.said("STOPPING=1"));
  EXPECT_TRUE(manager.stored.empty());
  EXPECT_FALSE(std::filesystem::exists(directory + "/run/lvsd.sock"));
}

TEST_F(Process, ARoomThatDoesNotStopIsKilled) {
  write("vrrp.does", "deaf");
  start();

  const int status = finish(SIGTERM);

  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  EXPECT_THAT(read("log"), HasSubstr("did not stop within 2s"));
}

TEST_F(Process, SigtermDuringAReloadIsACleanStop) {
  start();
  write("healthcheck.does", "mute");
  configure(std::string{kConfig} + "real_server = rs2 10.0.0.12\n");
  ::kill(pid, SIGHUP);

  const int status = finish(SIGTERM);

  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST_F(Process, ASecondLvsdWithTheSameRunDirectoryRefuses) {
  start();
  const pid_t first = std::exchange(pid, launch());

  const int status = finish(0);
  pid = first;

  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 1);
  EXPECT_THAT(read("log"), HasSubstr(fmt::format("another lvsd (pid {}) uses {}/run", first, directory)));
  EXPECT_EQ(ask("GET", "/healthz").status, 200);
}

TEST_F(Process, FeedsTheWatchdogAndTellsItsStatus) {
  start();

  EXPECT_TRUE(wait_until([&] { return manager.said("WATCHDOG=1"); }));
}

TEST_F(Process, ASilentRoomIs503AndTheOverviewComesAnyway) {
  start();
  write("ipvs.does", "silent");

  const auto reply = ask("GET", "/api/v1/table");

  EXPECT_EQ(reply.status, 503);
  EXPECT_THAT(reply.body, HasSubstr("no answer within 2s"));
  EXPECT_EQ(ask("GET", "/api/v1/status").status, 200);
}

TEST_F(Process, AnOverrideReachesTheRoomIsKeptAndComesBackWithTheProcess) {
  configure(std::string{kConfig} + "real_server = rs2 10.0.0.12\n");
  start();
  ASSERT_TRUE(remembered());
  const std::string drain = R"({"action":"drain","servers":["web/rs1"],"reason":"disk"})";
  const std::string told = R"({"Overrides":{"overrides":[{"service":"web","server":"rs1","kind":"drain","value":0}]}})";
  EXPECT_EQ(ask("POST", "/api/v1/overrides", drain).status, 200);
  EXPECT_TRUE(wait_until([&] { return read("ipvs.heard").find(told) != std::string::npos; }));
  EXPECT_THAT(read("state/overrides.json"), HasSubstr("\"reason\":\"disk\""));
  EXPECT_EQ(ask("POST", "/api/v1/overrides", R"({"action":"drain","servers":["web/rs2"]})").status, 409);

  finish(SIGTERM);
  forget("ipvs.heard");
  manager.notices.clear();
  start();
  EXPECT_THAT(read("ipvs.heard"), HasSubstr(told));
  EXPECT_THAT(boost::json::serialize(get("/api/v1/status").at("attention")), HasSubstr("disk"));

  configure(kConfig);
  write("lvsd.conf", std::string{kConfig} + "real_server = rs3 10.0.0.13\n");
  EXPECT_TRUE(reload().at("ok").as_bool());
  EXPECT_EQ(get("/api/v1/overrides").at("overrides").as_array().size(), 1U) << "rs1 is still there";
  configure(std::string{kConfig}.replace(std::string{kConfig}.find("rs1"), 3, "rs4"));
  EXPECT_TRUE(reload().at("ok").as_bool());
  EXPECT_EQ(get("/api/v1/overrides").at("overrides").as_array().size(), 0U);
  EXPECT_THAT(read("log"), HasSubstr("the configuration has no such server"));
}

}  // namespace
}  // namespace lvsd::daemon

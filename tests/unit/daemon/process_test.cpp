// The control process for real, with rooms that play their part (tests/support/fake_lvsd.cpp), under a service
// manager's notification socket: what happens when something dies, is silent, refuses, or is asked for too much.
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>

#include <boost/json.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/fd.hpp"
#include "daemon/http_client.hpp"
#include "daemon/memory.hpp"

namespace lvsd::daemon {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kConfig = R"([vrrp front]
interface = eth0
virtual_router_id = 51
virtual_address = 10.0.0.100/24
[check alive]
type = tcp
[virtual_server web]
listen = tcp 10.0.0.100:80
method = nat
check = alive
real_server = rs1 10.0.0.11
)";

bool wait_until(const std::function<bool()>& condition, base::Duration patience = 10s) {
  for (const auto deadline = base::Clock::now() + patience; base::Clock::now() < deadline;) {
    if (condition()) return true;
    poll(nullptr, 0, 5);
  }
  return condition();
}

// The manager's side of sd_notify(3) and of the descriptor store.
class Manager {
 public:
  explicit Manager(std::string path)
      : path_{std::move(path)}, socket_{socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)} {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, sizeof address.sun_path - 1);
    if (bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      throw std::runtime_error("bind");
  }

  void listen() {
    char text[4096];
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    for (;;) {
      iovec iov{text, sizeof text};
      msghdr header{};
      header.msg_iov = &iov;
      header.msg_iovlen = 1;
      header.msg_control = control;
      header.msg_controllen = sizeof control;
      const ssize_t n = recvmsg(socket_.get(), &header, MSG_CMSG_CLOEXEC);
      if (n < 0) return;
      base::UniqueFd fd;
      if (const cmsghdr* c = CMSG_FIRSTHDR(&header); c && c->cmsg_type == SCM_RIGHTS) {
        int number = -1;
        std::memcpy(&number, CMSG_DATA(c), sizeof number);
        fd.reset(number);
      }
      take({text, static_cast<std::size_t>(n)}, std::move(fd));
    }
  }

  bool said(std::string_view what) {
    listen();
    return std::find(notices.begin(), notices.end(), what) != notices.end();
  }

  const std::string& path() const { return path_; }

  std::vector<std::string> notices;  // lines, as they came
  std::map<std::string, base::UniqueFd> stored;

 private:
  void take(const std::string& text, base::UniqueFd fd) {
    std::istringstream lines{text};
    std::map<std::string, std::string> fields;
    for (std::string line; std::getline(lines, line);) {
      notices.push_back(line);
      fields[line.substr(0, line.find('='))] = line.substr(line.find('=') + 1);
    }
    if (fields.contains("FDSTOREREMOVE")) stored.erase(fields["FDNAME"]);
    if (fields.contains("FDSTORE")) stored[fields["FDNAME"]] = std::move(fd);
  }

  std::string path_;
  base::UniqueFd socket_;
};

class Process : public testing::Test {
 protected:
  Process() {
    chmod(directory.c_str(), 0777);  // rooms become another user when the test runs as root
    configure(kConfig);
  }

  ~Process() override {
    if (HasFailure()) fmt::print("{}\n", read("log"));
    if (pid > 0) finish(SIGKILL);
    std::filesystem::remove_all(directory);
  }

  void configure(const std::string& text) {  // complete at once, as a careful administrator would
    write("lvsd.conf.new", text);
    std::filesystem::rename(directory + "/lvsd.conf.new", directory + "/lvsd.conf");
  }
  void write(const std::string& name, const std::string& text) { std::ofstream{directory + "/" + name} << text; }
  void forget(const std::string& name) { std::filesystem::remove(directory + "/" + name); }
  std::string read(const std::string& name) const {
    std::ifstream file{directory + "/" + name};
    return {std::istreambuf_iterator<char>{file}, {}};
  }

  pid_t launch() {
    const pid_t child = fork();
    if (child != 0) return child;
    prctl(PR_SET_PDEATHSIG, SIGKILL);  // nothing outlives the test
    const int log = open((directory + "/log").c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    dup2(log, STDERR_FILENO);
    dup2(log, STDOUT_FILENO);
    setenv("LVSD_FAKE_DIR", directory.c_str(), 1);
    setenv("NOTIFY_SOCKET", manager.path().c_str(), 1);
    setenv("WATCHDOG_USEC", "2000000", 1);
    setenv("WATCHDOG_PID", std::to_string(getpid()).c_str(), 1);
    if (!manager.stored.empty()) hand_over_descriptors();
    const std::string config = directory + "/lvsd.conf";
    const std::string run_dir = directory + "/run";
    execl(LVSD_FAKE, LVSD_FAKE, "--config", config.c_str(), "--run-dir", run_dir.c_str(), nullptr);
    _exit(126);
  }

  void hand_over_descriptors() {
    std::string names;
    std::vector<int> high;
    for (const auto& [name, fd] : manager.stored) {
      names += (names.empty() ? "" : ":") + name;
      high.push_back(fcntl(fd.get(), F_DUPFD, 200));
    }
    for (std::size_t i = 0; i < high.size(); ++i) dup2(high[i], static_cast<int>(3 + i));
    close_range(static_cast<unsigned>(3 + high.size()), ~0U, 0);
    setenv("LISTEN_PID", std::to_string(getpid()).c_str(), 1);
    setenv("LISTEN_FDS", std::to_string(high.size()).c_str(), 1);
    setenv("LISTEN_FDNAMES", names.c_str(), 1);
  }

  void start() {
    pid = launch();
    ASSERT_TRUE(wait_until([this] { return manager.said("READY=1"); }));
  }

  // Until the masters that the vrrp room tells, and what the ipvs room wants kept, have reached the manager's store.
  bool remembered() {
    return wait_until([this] {
      manager.listen();
      if (!manager.stored.contains("masters") || !manager.stored.contains("ipvs%2Fxdp%3Aeth0")) return false;
      const Memory masters{base::UniqueFd{fcntl(manager.stored["masters"].get(), F_DUPFD_CLOEXEC, 0)}};
      const Memory verdicts{base::UniqueFd{fcntl(manager.stored["verdicts"].get(), F_DUPFD_CLOEXEC, 0)}};
      return masters.read().value_or("").find("front") != std::string::npos &&
             verdicts.read().value_or("").find("alive@") != std::string::npos;
    });
  }

  // Gone, or a zombie that its new parent has not collected yet.
  static bool dead(pid_t process) {
    std::ifstream file{fmt::format("/proc/{}/stat", process)};
    std::string text{std::istreambuf_iterator<char>{file}, {}};
    const auto end = text.rfind(") ");
    return end == std::string::npos || text.at(end + 2) == 'Z';
  }

  // Waits for the control process's end; returns its wait status.
  int finish(int signal) {
    if (signal != 0) ::kill(pid, signal);
    int status = -1;
    wait_until([&] { return waitpid(pid, &status, WNOHANG) == pid; });
    pid = -1;
    return status;
  }

  // Status 0: no answer.
  HttpReply ask(std::string_view method, std::string_view target) const {
    return http_request(directory + "/run/lvsd.sock", method, target, "", 15s).value_or(HttpReply{});
  }

  boost::json::object get(std::string_view target) const { return object_of(ask("GET", target)); }

  boost::json::object reload() const { return object_of(ask("POST", "/api/v1/reload")); }

  static boost::json::object object_of(const HttpReply& reply) {
    return reply.status != 0 ? boost::json::parse(reply.body).as_object() : boost::json::object{};
  }

  boost::json::object room(std::string_view name) const {
    const auto status = get("/api/v1/status");
    if (!status.contains("rooms")) return {};
    for (const auto& one : status.at("rooms").as_array()) {
      if (one.at("name").as_string() == name) return one.as_object();
    }
    return {};
  }

  pid_t room_pid(std::string_view name) const {
    const auto object = room(name);
    return object.contains("pid") ? static_cast<pid_t>(object.at("pid").as_int64()) : 0;
  }

  std::string in_force() const { return std::string{get("/api/v1/status").at("config").at("fingerprint").as_string()}; }

  std::string directory;
  Manager manager{directory_path("notify")};
  pid_t pid = -1;

 private:
  // Members are made in order: the directory is there for the manager's socket.
  std::string directory_path(const char* name) {
    char pattern[] = "/tmp/lvsd-process-XXXXXX";
    directory = mkdtemp(pattern);
    return directory + "/" + name;
  }
};

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
  EXPECT_THAT(read("healthcheck.heard"),
              HasSubstr("{\"Known\":{\"targets\":[{\"id\":\"alive@10.0.0.11:80\",\"verdict\":\"up\"}"));
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

}  // namespace
}  // namespace lvsd::daemon

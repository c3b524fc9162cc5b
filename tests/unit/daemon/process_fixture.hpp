// The control process under test: started for real with rooms that play their part (tests/support/fake_lvsd.cpp), under
// a service manager's notification socket, in a directory of its own. Used by process_test.cpp.
#pragma once

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

using namespace std::chrono_literals;

inline constexpr const char* kConfig = R"([vrrp front]
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

inline bool wait_until(const std::function<bool()>& condition, base::Duration patience = 10s) {
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
    const std::string state_dir = directory + "/state";
    execl(LVSD_FAKE, LVSD_FAKE, "--config", config.c_str(), "--run-dir", run_dir.c_str(), "--state-dir",
          state_dir.c_str(), nullptr);
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
  HttpReply ask(std::string_view method, std::string_view target, std::string_view body = "") const {
    return http_request(directory + "/run/lvsd.sock", method, target, body, 15s).value_or(HttpReply{});
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

}  // namespace lvsd::daemon

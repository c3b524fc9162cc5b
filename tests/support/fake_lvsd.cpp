// lvsd with rooms that only play their part in the conversation with the control process. For
// tests/unit/daemon/process_test. In the directory LVSD_FAKE_DIR, the file ROOM.does says how a room behaves ("refuse",
// "mute", "deaf", "die"; absent: well), and ROOM.heard gets a line for every message it receives.
#include <cstdlib>
#include <fstream>
#include <functional>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/channel.hpp"
#include "base/memfd.hpp"
#include "daemon/config/load.hpp"
#include "daemon/roles.hpp"
#include "healthcheck/messages.hpp"
#include "ipvs/messages.hpp"
#include "vrrp/messages.hpp"

namespace {

using namespace lvsd;
using daemon::Room;

class FakeRoom {
 public:
  FakeRoom(Room room, base::UniqueFd socket) : room_{room}, channel_{loop_, std::move(socket)} {}

  int run() {
    channel_.start([this](std::string_view text, std::vector<base::UniqueFd> fds) { heard(text, std::move(fds)); },
                   [this](const std::string&) { leave(1); });
    beat();
    loop_.run();
    return exit_code_;
  }

 private:
  std::string path(std::string_view kind) const {
    return fmt::format("{}/{}.{}", std::getenv("LVSD_FAKE_DIR"), daemon::room_name(room_), kind);
  }

  bool does(std::string_view what) const {
    std::ifstream file{path("does")};
    std::string word;
    return file >> word && word == what;
  }

  void note(std::string_view line) const {
    const auto text = fmt::format("{} {}\n", getpid(), line);
    const base::UniqueFd file{open(path("heard").c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666)};
    static_cast<void>(!::write(file.get(), text.data(), text.size()));
  }

  void leave(int code) {
    exit_code_ = code;
    loop_.stop();
  }

  template <class Up>
  void say(Up message, std::span<const int> fds = {}) {
    static_cast<void>(channel_.send(encode(message), fds));
  }

  void beat() {
    if (!does("mute")) {
      switch (room_) {
        case Room::Vrrp:
          say(vrrp::Up{vrrp::Beat{++beats_}});
          break;
        case Room::Healthcheck:
          say(healthcheck::Up{healthcheck::Beat{++beats_}});
          break;
        case Room::Ipvs:
          say(ipvs::Up{ipvs::Beat{++beats_}});
          break;
        case Room::Scripts:
          break;
      }
    }
    if (room_ == Room::Vrrp && configured_)
      say(vrrp::Up{vrrp::Masters{{{"front", static_cast<std::int64_t>(beats_)}}}});
    timer_.expires_after(std::chrono::milliseconds{100});
    timer_.async_wait([this](const boost::system::error_code&) { beat(); });
  }

  void heard(std::string_view text, std::vector<base::UniqueFd> fds) {
    note(fmt::format("{} fds={}", text, fds.size()));
    if (text.find("\"Stop\"") != std::string_view::npos) return does("deaf") ? void() : leave(0);
    if (text.find("\"Keep\"") != std::string_view::npos) has_kept_ = true;
    switch (room_) {
      case Room::Vrrp:
        return answer(vrrp::decode_down(text), fds);
      case Room::Healthcheck:
        return answer(healthcheck::decode_down(text), fds);
      case Room::Ipvs:
        return answer(ipvs::decode_down(text), fds);
      case Room::Scripts:
        break;
    }
  }

  // Empty answers to the questions, so that nobody waits.
  void answer_question(const vrrp::Down& message) {
    if (const auto* query = std::get_if<vrrp::StatusQuery>(&message))
      say(vrrp::Up{vrrp::Status{query->id, {}, {}, {}}});
  }
  void answer_question(const healthcheck::Down& message) {
    if (const auto* query = std::get_if<healthcheck::StatusQuery>(&message))
      say(healthcheck::Up{healthcheck::Status{query->id, {}}});
  }
  void answer_question(const ipvs::Down& message) {
    ipvs::Table table;
    if (const auto* query = std::get_if<ipvs::TableQuery>(&message)) {
      table.id = query->id;
      say(ipvs::Up{table});
    }
  }

  template <class Down>
  void answer(const base::Result<Down>& message, const std::vector<base::UniqueFd>& fds) {
    if (message && !does("silent")) answer_question(*message);
    const auto* configure = message ? std::get_if<base::Configure>(&*message) : nullptr;
    if (!configure) return;
    if (does("die")) _exit(3);
    const base::Configured reply{configure->generation, does("refuse") ? "told to refuse" : ""};
    if (room_ == Room::Vrrp) return configured_ = true, say(vrrp::Up{reply});
    if (room_ == Room::Healthcheck) return tell_verdicts(fds.at(0).get()), say(healthcheck::Up{reply});
    if (!has_kept_) keep_something();
    say(ipvs::Up{reply});
  }

  void tell_verdicts(int config_fd) {
    const auto sources = daemon::unpack(base::read_sealed_memfd(config_fd).value());
    const auto outcome = daemon::parse(*sources);
    for (const auto& target : outcome.config->healthcheck.targets) {
      say(healthcheck::Up{healthcheck::HealthChanged{target.id, healthcheck::Verdict::up, "", 1}});
    }
  }

  void keep_something() {
    const base::UniqueFd table{memfd_create("table", MFD_CLOEXEC)};
    const int fd = table.get();
    has_kept_ = true;
    say(ipvs::Up{base::Keep{{"xdp:eth0"}}}, {&fd, 1});
  }

  boost::asio::io_context loop_;
  Room room_;
  base::Channel channel_;
  boost::asio::steady_timer timer_{loop_};
  std::uint64_t beats_ = 0;
  bool configured_ = false;
  bool has_kept_ = false;
  int exit_code_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  daemon::Roles roles;
  for (const Room room : daemon::kRooms) {
    roles[room] = {{}, [room](base::UniqueFd socket) { return FakeRoom{room, std::move(socket)}.run(); }};
  }
  return daemon::run_program(argc, argv, roles);
}

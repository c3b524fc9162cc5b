// A stand-in for the supervisor, for trials of the vrrp room alone: starts it as a process of its own, hands it a small
// configuration, prints what it says, starts it again when it dies.
//
//   vrrp_driver FILE [--once]     SIGHUP: reload   SIGUSR1: status   SIGTERM: stop   --once: do not restart a dead room
//
// FILE: one instance per line: NAME interface=eth0 vrid=51 priority=150 interval_ms=1000 preempt=1 vip=10.0.0.100/24 …
#include <charconv>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <sys/wait.h>
#include <unistd.h>

#include "base/link.hpp"
#include "base/log.hpp"
#include "base/memfd.hpp"
#include "vrrp/messages.hpp"
#include "vrrp/room.hpp"

namespace {

using namespace lvsd;

long number(const std::string& text) {
  long value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

void set(vrrp::InstanceConfig& instance, const std::string& key, const std::string& value) {
  if (key == "interface") instance.interface = value;
  if (key == "vrid") instance.virtual_router_id = static_cast<std::uint8_t>(number(value));
  if (key == "priority") instance.priority = static_cast<std::uint8_t>(number(value));
  if (key == "interval_ms") instance.advert_interval = std::chrono::milliseconds{number(value)};
  if (key == "preempt") instance.preempt = number(value) != 0;
  if (key == "pseudo_header") instance.checksum_pseudo_header = number(value) != 0;
  if (key == "vip") {
    if (const auto prefix = base::Prefix::parse(value)) instance.virtual_addresses.push_back({.prefix = *prefix});
  }
}

base::Result<vrrp::Config> parse(int fd) {
  const auto text = base::read_sealed_memfd(fd);
  if (!text) return tl::unexpected{text.error()};
  vrrp::Config config;
  std::istringstream lines{*text};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words{line};
    vrrp::InstanceConfig instance;
    if (!(words >> instance.name)) continue;
    for (std::string word; words >> word;) {
      const auto equals = word.find('=');
      if (equals == std::string::npos) return base::fail("not key=value: " + word);
      set(instance, word.substr(0, equals), word.substr(equals + 1));
    }
    config.instances.push_back(std::move(instance));
  }
  return config;
}

int room(int fd) {
  if (const auto confined = base::confine(vrrp::privileges()); !confined) {
    std::cerr << confined.error().text << "\n";
    return 1;
  }
  base::log::open("vrrp");
  const int code = vrrp::run(base::UniqueFd{fd}, parse);
  base::log::close();
  return code;
}

class Driver {
 public:
  Driver(std::string file, bool once)
      : file_{std::move(file)}, once_{once}, signals_{loop_, SIGHUP, SIGUSR1, SIGTERM} {}

  int run() {
    spawn();
    wait_for_signal();
    loop_.run();
    int status = 0;
    waitpid(child_, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  using Link = base::Link<vrrp::Up, vrrp::Down>;

  void spawn() {
    auto ends = base::Channel::make_pair();
    child_ = fork();
    if (child_ == 0) {
      const int fd = dup(ends->second.get());  // without close-on-exec
      execl("/proc/self/exe", "vrrp_driver", "--room", std::to_string(fd).c_str(), nullptr);
      _exit(127);
    }
    std::cout << "room " << child_ << std::endl;
    link_ = std::make_unique<Link>(loop_, std::move(ends->first), vrrp::decode_up,
                                   static_cast<std::string (*)(const vrrp::Down&)>(vrrp::encode));
    link_->start([this](vrrp::Up up, auto) { receive(up); }, [this](const std::string&) { died(); });
    if (!masters_.masters.empty()) send(vrrp::Resume{masters_.masters});
    configure();
  }

  void receive(const vrrp::Up& up) {
    if (std::holds_alternative<vrrp::Beat>(up)) return;
    if (const auto* masters = std::get_if<vrrp::Masters>(&up)) return static_cast<void>(masters_ = *masters);
    std::cout << vrrp::encode(up) << std::endl;
  }

  void died() {
    if (stopping_ || once_) return loop_.stop();
    waitpid(child_, nullptr, 0);
    boost::asio::post(loop_, [this] { spawn(); });
  }

  void configure() {
    std::ifstream in{file_};
    std::stringstream text;
    text << in.rdbuf();
    const auto memfd = base::make_sealed_memfd("lvsd-config", text.str());
    send(vrrp::Configure{++generation_}, memfd->get());
  }

  void send(const vrrp::Down& message, int fd = -1) {
    const std::span<const int> fds{&fd, fd < 0 ? 0u : 1u};
    if (const auto sent = link_->send(message, fds); !sent) std::cerr << sent.error().text << "\n";
  }

  void wait_for_signal() {
    signals_.async_wait([this](const boost::system::error_code& error, int signal) {
      if (error) return;
      if (signal == SIGHUP) configure();
      if (signal == SIGUSR1) send(vrrp::StatusQuery{1});
      if (signal == SIGTERM) {
        stopping_ = true;
        send(vrrp::Stop{"asked to"});
      }
      wait_for_signal();
    });
  }

  std::string file_;
  bool once_;
  bool stopping_ = false;
  boost::asio::io_context loop_;
  boost::asio::signal_set signals_;
  std::unique_ptr<Link> link_;
  pid_t child_ = -1;
  std::uint64_t generation_ = 0;
  vrrp::Masters masters_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3 && std::string_view{argv[1]} == "--room") return room(static_cast<int>(number(argv[2])));
  if (argc < 2) return 2;
  return Driver{argv[1], argc > 2 && std::string_view{argv[2]} == "--once"}.run();
}

// Runs the healthcheck room alone and prints what it tells, for trying it by hand:
//   healthcheck_room 'http 127.0.0.1:8080 path=/healthz interval=500ms timeout=200ms' 'tcp 127.0.0.1:22'
// A line on stdin is sent as a new configuration (targets separated by ';'); an empty line asks for the status.
#include <cstdio>
#include <ctime>
#include <iostream>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <sys/wait.h>
#include <unistd.h>

#include "base/link.hpp"
#include "base/log.hpp"
#include "base/memfd.hpp"
#include "base/privileges.hpp"
#include "healthcheck/messages.hpp"
#include "healthcheck/room.hpp"
#include "tests/support/check_target_lines.hpp"

namespace {

using namespace lvsd;

class Driver {
 public:
  Driver(base::UniqueFd channel, std::string targets)
      : link_{loop_, std::move(channel), &healthcheck::decode_up, &healthcheck::encode},
        input_{loop_, ::dup(STDIN_FILENO)} {
    link_.start([this](healthcheck::Up message, std::vector<base::UniqueFd>) { print(message); },
                [this](const std::string& reason) {
                  fmt::print("room gone: {}\n", reason);
                  loop_.stop();
                });
    configure(std::move(targets));
    read_line();
  }

  void run() { loop_.run(); }

 private:
  void configure(std::string targets) {
    for (char& c : targets) c = c == ';' ? '\n' : c;
    const auto memfd = base::make_sealed_memfd("targets", targets);
    const int fds[] = {memfd->get()};
    (void)link_.send(healthcheck::Configure{++generation_}, fds);
  }

  void read_line() {
    boost::asio::async_read_until(input_, buffer_, '\n', [this](const boost::system::error_code& error, std::size_t) {
      if (error) return;  // without stdin: run until killed
      std::istream stream{&buffer_};
      std::string line;
      std::getline(stream, line);
      if (line.empty()) {
        (void)link_.send(healthcheck::StatusQuery{1});
      } else if (line == "stop") {
        (void)link_.send(healthcheck::Stop{"asked for"});
      } else {
        configure(line);
      }
      read_line();
    });
  }

  static void print(const healthcheck::Up& message) {
    if (std::holds_alternative<healthcheck::Beat>(message)) return;
    const std::time_t now = std::time(nullptr);
    char clock[16];
    std::strftime(clock, sizeof clock, "%H:%M:%S", std::localtime(&now));
    fmt::print("{} {}\n", clock, healthcheck::encode(message));
    std::fflush(stdout);
  }

  boost::asio::io_context loop_;
  base::Link<healthcheck::Up, healthcheck::Down> link_;
  boost::asio::posix::stream_descriptor input_;
  boost::asio::streambuf buffer_;
  std::uint64_t generation_ = 0;
};

int run_room(base::UniqueFd channel) {
  if (const auto confined = base::confine(healthcheck::privileges()); !confined) {
    fmt::print(stderr, "{}\n", confined.error().text);
    return 1;
  }
  base::log::open("healthcheck");
  const int code = healthcheck::run(std::move(channel), &testing::read_target_lines);
  base::log::close();
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  std::string targets;
  for (int i = 1; i < argc; ++i) targets += std::string{argv[i]} + ";";
  auto ends = base::Channel::make_pair();
  if (!ends) return 1;
  const pid_t room = fork();
  if (room == 0) {
    ends->first.reset();
    return run_room(std::move(ends->second));
  }
  ends->second.reset();
  Driver{std::move(ends->first), targets}.run();
  int status = 0;
  waitpid(room, &status, 0);
  fmt::print("room ended with {}\n", WEXITSTATUS(status));
}

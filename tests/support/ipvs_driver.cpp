// The ipvs room alone, with a supervisor of the simplest kind: it starts the room as a child, holds what the room asks
// to be kept, and restarts it when it dies. Commands come line by line on stdin, the room's messages go to stdout as
// JSON, one a line. For trying the engine in namespaces without the rest of lvsd; not installed.
//
//   ipvs_driver CONFIG        lines: interface NAME | mode auto|native|generic | max_connections N
//                                    service NAME PROTOCOL ADDRESS:PORT SCHEDULER
//                                    server SERVICE NAME ADDRESS:PORT METHOD WEIGHT [CHECK]
//   stdin: configure | health ID up|down | table | connections | drops | kill | stop
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/streambuf.hpp>
#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/link.hpp"
#include "base/log.hpp"
#include "base/memfd.hpp"
#include "base/privileges.hpp"
#include "ipvs/messages.hpp"
#include "ipvs/names.hpp"
#include "ipvs/room.hpp"

namespace lvsd::ipvs {
namespace {

base::Result<void> parse_service(std::istringstream& words, Config& config) {
  std::string name, protocol, address, scheduler;
  words >> name >> protocol >> address >> scheduler;
  const auto endpoint = base::Endpoint::parse(address);
  if (!endpoint) return tl::unexpected{endpoint.error()};
  VirtualServerConfig service;
  service.name = name;
  service.listeners.push_back({protocol == "udp" ? Protocol::Udp : Protocol::Tcp, *endpoint});
  service.scheduler = scheduler_named(scheduler).value_or(SchedulerKind::Wlc);
  config.virtual_servers.push_back(std::move(service));
  return {};
}

base::Result<void> parse_server(std::istringstream& words, Config& config) {
  std::string service, name, address, method, check;
  std::uint32_t weight = 1;
  words >> service >> name >> address >> method >> weight >> check;
  const auto endpoint = base::Endpoint::parse(address, false);
  if (!endpoint) return tl::unexpected{endpoint.error()};
  RealServerConfig server;
  server.name = name;
  server.address = *endpoint;
  server.method = method == "nat" ? Method::Nat : Method::Dr;
  server.weight = weight;
  if (!check.empty()) server.checks.push_back(check);
  for (auto& virtual_server : config.virtual_servers) {
    if (virtual_server.name == service) virtual_server.servers.push_back(server);
  }
  return {};
}

base::Result<Config> parse(int fd) {
  const auto text = base::read_sealed_memfd(fd);
  if (!text) return tl::unexpected{text.error()};
  Config config;
  std::istringstream lines{*text};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words{line};
    std::string kind, value;
    words >> kind;
    base::Result<void> done;
    if (kind == "interface" && words >> value) config.engine.interfaces.push_back(value);
    if (kind == "max_connections") words >> config.engine.max_connections;
    if (kind == "mode" && words >> value) {
      config.engine.xdp_mode = value == "native"    ? XdpMode::Native
                               : value == "generic" ? XdpMode::Generic
                                                    : XdpMode::Auto;
    }
    if (kind == "service") done = parse_service(words, config);
    if (kind == "server") done = parse_server(words, config);
    if (!done) return tl::unexpected{done.error().within(line)};
  }
  return config;
}

class Driver {
 public:
  Driver(boost::asio::io_context& loop, std::string file)
      : loop_{loop}, file_{std::move(file)}, input_{loop, dup(STDIN_FILENO)}, restart_{loop} {}

  void run() {
    start_room();
    read_command();
    loop_.run();
  }

 private:
  void start_room();
  void on_message(Up message, std::vector<base::UniqueFd> fds);
  void on_closed();
  void configure();
  void read_command();
  void execute(const std::string& line);
  void send(const Down& message, std::span<const int> fds = {}) {
    if (link_) (void)link_->send(message, fds);
  }

  boost::asio::io_context& loop_;
  std::string file_;
  boost::asio::posix::stream_descriptor input_;
  boost::asio::streambuf buffer_;
  boost::asio::steady_timer restart_;
  std::unique_ptr<base::Link<Up, Down>> link_;
  std::map<std::string, base::UniqueFd> kept_;
  std::map<std::string, bool> health_;
  pid_t child_ = -1;
  std::uint64_t generation_ = 0;
  bool stopping_ = false;
};

void Driver::start_room() {
  auto pair = base::Channel::make_pair();
  if (!pair) return;
  child_ = fork();
  if (child_ == 0) {
    pair->first.reset();
    kept_.clear();
    base::log::open("ipvs", base::log::Level::Debug);
    if (auto confined = base::confine(privileges()); !confined)
      base::log::error("privileges", "{}", confined.error().text);
    const int code = lvsd::ipvs::run(std::move(pair->second), parse);
    base::log::close();
    _exit(code);
  }
  std::cout << fmt::format("{{\"started\":{}}}", child_) << std::endl;
  link_.reset(new base::Link<Up, Down>{loop_, std::move(pair->first), decode_up, encode});
  pair->second.reset();
  link_->start([this](Up m, std::vector<base::UniqueFd> fds) { on_message(std::move(m), std::move(fds)); },
               [this](const std::string&) { on_closed(); });
  for (auto& [name, fd] : kept_) {
    const int raw = fd.get();
    send(Keep{{name}}, std::span{&raw, 1});
  }
  Health health{.complete = true, .targets = {}};
  for (const auto& [id, passes] : health_) health.targets.push_back({id, passes});
  send(health);
  configure();
}

void Driver::on_message(Up message, std::vector<base::UniqueFd> fds) {
  if (auto* keep = std::get_if<Keep>(&message)) {
    for (std::size_t i = 0; i < keep->names.size() && i < fds.size(); ++i) kept_[keep->names[i]] = std::move(fds[i]);
  }
  if (!std::holds_alternative<Beat>(message)) std::cout << encode(message) << std::endl;
}

void Driver::on_closed() {
  int status = 0;
  waitpid(child_, &status, 0);
  std::cout << fmt::format("{{\"ended\":{},\"status\":{}}}", child_, status) << std::endl;
  if (stopping_) return loop_.stop();
  restart_.expires_after(std::chrono::milliseconds{10});
  restart_.async_wait([this](const boost::system::error_code&) { start_room(); });
}

void Driver::configure() {
  std::ifstream in{file_};
  std::stringstream text;
  text << in.rdbuf();
  const auto fd = base::make_sealed_memfd("config", text.str());
  if (!fd) return;
  const int raw = fd->get();
  send(Configure{++generation_}, std::span{&raw, 1});
}

void Driver::read_command() {
  boost::asio::async_read_until(input_, buffer_, '\n', [this](const boost::system::error_code& error, std::size_t) {
    if (error) return;
    std::istream stream{&buffer_};
    std::string line;
    std::getline(stream, line);
    execute(line);
    read_command();
  });
}

void Driver::execute(const std::string& line) {
  std::istringstream words{line};
  std::string command, id, state;
  words >> command >> id >> state;
  if (command == "configure") configure();
  if (command == "health") {
    health_[id] = state == "up";
    send(Health{.complete = false, .targets = {{id, state == "up"}}});
  }
  if (command == "table") send(TableQuery{1});
  if (command == "connections") send(ConnectionsQuery{.id = 1, .service = {}, .server = {}, .client = {}});
  if (command == "drops") send(DropsQuery{1});
  if (command == "kill") kill(child_, SIGKILL);
  if (command == "stop") {
    stopping_ = true;
    send(Stop{"asked to"});
  }
}

}  // namespace
}  // namespace lvsd::ipvs

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: ipvs_driver CONFIG\n";
    return 2;
  }
  boost::asio::io_context loop{1};
  lvsd::ipvs::Driver{loop, argv[1]}.run();
}

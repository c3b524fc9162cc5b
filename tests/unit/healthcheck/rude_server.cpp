#include "rude_server.hpp"

#include <array>
#include <stdexcept>

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

namespace lvsd::healthcheck {

bool Guest::wait(short events, int timeout_ms) {
  std::array<pollfd, 2> fds{pollfd{socket_, events, 0}, pollfd{stop_event_, POLLIN, 0}};
  return poll(fds.data(), fds.size(), timeout_ms) > 0 && fds[1].revents == 0;
}

bool Guest::read_request(std::string* request) {
  std::string text;
  while (text.find("\r\n\r\n") == std::string::npos) {
    std::array<char, 4096> bytes;
    if (!wait(POLLIN)) return false;
    const ssize_t n = recv(socket_, bytes.data(), bytes.size(), 0);
    if (n <= 0) return false;
    text.append(bytes.data(), static_cast<std::size_t>(n));
  }
  if (request) *request = text;
  return true;
}

bool Guest::send(std::string_view bytes) {
  while (!bytes.empty()) {
    if (!wait(POLLOUT)) return false;
    const ssize_t n = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN) continue;
    if (n < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

bool Guest::drip(std::string_view bytes, int pause_ms) {
  for (const char byte : bytes) {
    if (!send({&byte, 1})) return false;
    pollfd stop{stop_event_, POLLIN, 0};
    if (poll(&stop, 1, pause_ms) != 0) return false;
  }
  return true;
}

bool Guest::send_forever(std::string_view bytes) {
  std::string many;  // few system calls, so that the deadline measures the client
  while (many.size() < 32'768) many += bytes;
  while (send(many)) {
  }
  return false;
}

void Guest::hold() {
  std::array<char, 4096> bytes;
  while (wait(POLLIN) && recv(socket_, bytes.data(), bytes.size(), 0) > 0) {
  }
}

void Guest::reset() {
  const linger abort{1, 0};
  setsockopt(socket_, SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
}

void Guest::half_close() {
  shutdown(socket_, SHUT_WR);
  hold();
}

DeafListener::DeafListener(int backlog) : socket{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (bind(socket.get(), generic, size) != 0 || listen(socket.get(), backlog) != 0 ||
      getsockname(socket.get(), generic, &size) != 0) {
    throw std::runtime_error{"no listening socket on loopback"};
  }
  endpoint = {base::IpAddress::v4(INADDR_LOOPBACK), ntohs(address.sin_port)};
}

RudeServer::RudeServer(Behaviour behaviour) : stop_event_{eventfd(0, EFD_CLOEXEC)} {
  DeafListener listener{16};
  listener_ = std::move(listener.socket);
  endpoint_ = listener.endpoint;
  thread_ = std::thread{[this, behaviour = std::move(behaviour)] { serve(behaviour); }};
}

RudeServer::~RudeServer() {
  eventfd_write(stop_event_.get(), 1);
  thread_.join();
}

void RudeServer::serve(const Behaviour& behaviour) {
  for (;;) {
    std::array<pollfd, 2> fds{pollfd{listener_.get(), POLLIN, 0}, pollfd{stop_event_.get(), POLLIN, 0}};
    if (poll(fds.data(), fds.size(), -1) < 0 || fds[1].revents != 0) return;
    const base::UniqueFd connection{accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)};
    if (!connection) continue;
    ++connections_;
    Guest guest{connection.get(), stop_event_.get()};
    behaviour(guest);
  }
}

}  // namespace lvsd::healthcheck

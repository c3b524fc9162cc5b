// A real TCP server on loopback that misbehaves as told, one connection after the other, on a thread of its own.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <string_view>
#include <thread>

#include <sys/eventfd.h>

#include "base/address.hpp"
#include "base/fd.hpp"

namespace lvsd::healthcheck {

// The server's side of one connection. Every call returns false once the client is gone or the test is over.
class Guest {
 public:
  Guest(int socket, int stop_event) : socket_{socket}, stop_event_{stop_event} {}

  bool read_request(std::string* request = nullptr);  // up to the empty line
  bool send(std::string_view bytes);                  // all of it
  bool drip(std::string_view bytes, int pause_ms);    // one byte at a time
  bool send_forever(std::string_view bytes);          // until the client leaves
  void hold();                                        // says nothing until the client leaves
  void reset();                                       // closes with RST
  void half_close();                                  // FIN, and goes on listening
  int socket() const { return socket_; }

 private:
  bool wait(short events, int timeout_ms = -1);  // false: stopped or timed out

  int socket_;
  int stop_event_;
};

class RudeServer {
 public:
  using Behaviour = std::function<void(Guest&)>;

  explicit RudeServer(Behaviour behaviour);
  ~RudeServer();

  base::Endpoint endpoint() const { return endpoint_; }
  int connections() const { return connections_; }

 private:
  void serve(const Behaviour& behaviour);

  base::UniqueFd listener_;
  base::UniqueFd stop_event_;
  base::Endpoint endpoint_;
  std::atomic<int> connections_{0};
  std::thread thread_;
};

// A listening socket on a free port of 127.0.0.1, never accepted from.
struct DeafListener {
  explicit DeafListener(int backlog);
  base::UniqueFd socket;
  base::Endpoint endpoint;
};

}  // namespace lvsd::healthcheck

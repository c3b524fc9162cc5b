// The HTTP rim of the control process: unix sockets and TCP in, one handler behind them. What the paths mean is api's
// matter. Bounded throughout: connections, header and body size, time to send a request, time to take an answer.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <sys/types.h>

#include "base/address.hpp"
#include "base/result.hpp"

namespace boost::asio {
class io_context;
}

namespace lvsd::daemon {

enum class Door { ReadWrite, ReadOnly, Tcp };  // through which socket a request came

struct HttpRequest {
  std::string method;
  std::string target;  // path and query as sent
  Door door = Door::ReadOnly;
  std::string peer;  // "uid 0 pid 4711" (SO_PEERCRED), "10.0.0.9:51234"
  std::string body = {};
  std::optional<uid_t> uid = {};  // of a peer on a unix socket
};

struct HttpAnswer {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::string allow;  // for 405
};

struct SocketOwner {
  gid_t group = 0;
  mode_t mode = 0660;
};

class HttpServer {
 public:
  static constexpr std::size_t kMaxConnections = 64;  // further ones are closed at once and counted
  static constexpr std::size_t kMaxHeader = 8u << 10;
  static constexpr std::size_t kMaxBody = 64u << 10;
  static constexpr int kPatienceSeconds = 10;  // for the peer to send its request or to take the answer

  // Called on the loop. The answer may be given later, once; dropping `respond` closes the connection.
  using Respond = std::function<void(HttpAnswer)>;
  using Handler = std::function<void(HttpRequest, Respond)>;

  HttpServer(boost::asio::io_context& loop, Handler handler);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Replaces a stale socket file.
  base::Result<void> listen_unix(const std::string& path, Door door, SocketOwner owner);
  // Replaces the TCP listener; an empty value ends it. Connections live on.
  base::Result<void> listen_tcp(const std::optional<base::Endpoint>& endpoint);

  void close();  // stops listening and removes the socket files; answers under way are finished
  std::uint64_t refused() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace lvsd::daemon

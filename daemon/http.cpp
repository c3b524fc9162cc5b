// Both ends of HTTP. The only file that includes Boost.Beast.
#include <list>
#include <map>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/fd.hpp"
#include "daemon/http_client.hpp"
#include "daemon/http_server.hpp"

namespace lvsd::daemon {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;

namespace {

constexpr std::size_t kMaxReply = 256u << 20;

using AnyStream = beast::basic_stream<asio::generic::stream_protocol>;
using UnixStream = beast::basic_stream<asio::local::stream_protocol>;

std::optional<ucred> peer_of_unix(int fd) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return std::nullopt;
  return credentials;
}

http::response<http::string_body> to_response(HttpAnswer answer, unsigned version, bool keep_alive) {
  http::response<http::string_body> response{static_cast<http::status>(answer.status), version};
  response.set(http::field::server, "lvsd");
  response.set(http::field::content_type, answer.content_type);
  response.set(http::field::cache_control, "no-store");
  if (!answer.allow.empty()) response.set(http::field::allow, answer.allow);
  response.keep_alive(keep_alive);
  response.body() = std::move(answer.body);
  response.prepare_payload();
  return response;
}

}  // namespace

// --- the server ------------------------------------------------------------------------------------------------------

struct HttpServer::Impl : std::enable_shared_from_this<HttpServer::Impl> {
  struct Session {
    AnyStream stream;
    beast::flat_buffer buffer;
    Door door;
    std::string peer;
    std::optional<uid_t> uid;
  };
  using UnixAcceptor = asio::local::stream_protocol::acceptor;
  using TcpAcceptor = asio::ip::tcp::acceptor;

  Impl(asio::io_context& io, Handler h) : loop{io}, handler{std::move(h)} {}

  template <class Acceptor>
  void accept(const std::shared_ptr<Acceptor>& acceptor, Door door) {
    acceptor->async_accept([self = shared_from_this(), acceptor, door](const error_code& error, auto socket) {
      if (error == asio::error::operation_aborted || !acceptor->is_open()) return;
      if (error) return self->accept_later(acceptor, door);  // out of descriptors: not in a busy loop
      self->admit(std::move(socket), door);
      self->accept(acceptor, door);
    });
  }

  template <class Acceptor>
  void accept_later(const std::shared_ptr<Acceptor>& acceptor, Door door) {
    auto timer = std::make_shared<asio::steady_timer>(loop, std::chrono::milliseconds{100});
    timer->async_wait(
        [self = shared_from_this(), timer, acceptor, door](const error_code&) { self->accept(acceptor, door); });
  }

  template <class Socket>
  void admit(Socket socket, Door door) {
    if (connections >= kMaxConnections) {
      ++refused;
      return;
    }
    std::string peer;
    std::optional<uid_t> uid;
    if constexpr (std::is_same_v<typename Socket::protocol_type, asio::ip::tcp>) {
      error_code error;
      const auto remote = socket.remote_endpoint(error);
      peer = error ? "unknown" : fmt::format("{}:{}", remote.address().to_string(), remote.port());
    } else {
      const auto credentials = peer_of_unix(socket.native_handle());
      peer = credentials ? fmt::format("uid {} pid {}", credentials->uid, credentials->pid) : "unknown";
      if (credentials) uid = credentials->uid;
    }
    auto session = std::shared_ptr<Session>(
        new Session{
            AnyStream{asio::generic::stream_protocol::socket{std::move(socket)}}, {}, door, std::move(peer), uid},
        [self = shared_from_this()](Session* s) {
          --self->connections;
          delete s;
        });
    ++connections;
    read(session);
  }

  void read(const std::shared_ptr<Session>& session) {
    auto parser = std::make_shared<http::request_parser<http::string_body>>();
    parser->header_limit(kMaxHeader);
    parser->body_limit(kMaxBody);
    session->stream.expires_after(std::chrono::seconds{kPatienceSeconds});
    http::async_read(session->stream, session->buffer, *parser,
                     [self = shared_from_this(), session, parser](const error_code& error, std::size_t) {
                       if (error == http::error::header_limit)
                         return self->reject(session, 431, "request header too large");
                       if (error == http::error::body_limit)
                         return self->reject(session, 413, "request body too large");
                       if (error) return;  // closed, timed out, or not HTTP: the session ends
                       self->dispatch(session, parser->release());
                     });
  }

  void dispatch(const std::shared_ptr<Session>& session, http::request<http::string_body> request) {
    session->stream.expires_never();
    const bool head = request.method() == http::verb::head;
    auto respond = [self = shared_from_this(), session, head, version = request.version(),
                    keep = request.keep_alive()](HttpAnswer answer) {
      auto response = to_response(std::move(answer), version, keep);
      if (head) response.body().clear();  // Content-Length stays what GET would have
      self->write(session, std::move(response), keep);
    };
    handler({head ? "GET" : std::string{request.method_string()}, std::string{request.target()}, session->door,
             session->peer, std::move(request.body()), session->uid},
            std::move(respond));
  }

  void reject(const std::shared_ptr<Session>& session, int status, std::string_view why) {
    write(session, to_response({status, "text/plain", fmt::format("{}\n", why), {}}, 11, false), false);
  }

  void write(const std::shared_ptr<Session>& session, http::response<http::string_body> response, bool keep) {
    auto owned = std::make_shared<http::response<http::string_body>>(std::move(response));
    session->stream.expires_after(std::chrono::seconds{kPatienceSeconds});
    http::async_write(session->stream, *owned,
                      [self = shared_from_this(), session, owned, keep](const error_code& error, std::size_t) {
                        if (!error && keep && !self->closed) self->read(session);
                      });
  }

  asio::io_context& loop;
  Handler handler;
  std::map<std::string, std::shared_ptr<UnixAcceptor>> unix_acceptors;
  std::shared_ptr<TcpAcceptor> tcp_acceptor;
  std::size_t connections = 0;
  std::uint64_t refused = 0;
  bool closed = false;
};

HttpServer::HttpServer(asio::io_context& loop, Handler handler)
    : impl_{std::make_shared<Impl>(loop, std::move(handler))} {}

HttpServer::~HttpServer() { close(); }

std::uint64_t HttpServer::refused() const { return impl_->refused; }

base::Result<void> HttpServer::listen_unix(const std::string& path, Door door, SocketOwner owner) {
  if (path.size() >= sizeof(sockaddr_un::sun_path)) return base::fail("the path is too long for a socket: " + path);
  struct stat st {};
  if (lstat(path.c_str(), &st) == 0 && !S_ISSOCK(st.st_mode)) return base::fail(path + " exists and is no socket");
  ::unlink(path.c_str());
  error_code error;
  auto acceptor = std::make_shared<Impl::UnixAcceptor>(impl_->loop);
  const asio::local::stream_protocol::endpoint endpoint{path};
  acceptor->open(endpoint.protocol(), error);
  // The mode is set between bind and listen: nobody can connect before.
  if (!error) acceptor->bind(endpoint, error);
  if (error) return base::fail(fmt::format("listen on {}: {}", path, error.message()));
  if (owner.group != 0 && chown(path.c_str(), uid_t(-1), owner.group) != 0) return base::fail_errno("chown " + path);
  if (chmod(path.c_str(), owner.mode) != 0) return base::fail_errno("chmod " + path);
  acceptor->listen(64, error);
  if (error) return base::fail(fmt::format("listen on {}: {}", path, error.message()));
  impl_->unix_acceptors[path] = acceptor;
  impl_->accept(acceptor, door);
  return {};
}

base::Result<void> HttpServer::listen_tcp(const std::optional<base::Endpoint>& endpoint) {
  if (impl_->tcp_acceptor) {
    error_code ignored;
    impl_->tcp_acceptor->close(ignored);
    impl_->tcp_acceptor.reset();
  }
  if (!endpoint) return {};
  error_code error;
  const auto address = asio::ip::make_address(endpoint->address.to_string(), error);
  const asio::ip::tcp::endpoint local{address, endpoint->port};
  auto acceptor = std::make_shared<Impl::TcpAcceptor>(impl_->loop);
  if (!error) acceptor->open(local.protocol(), error);
  if (!error) acceptor->set_option(asio::socket_base::reuse_address{true}, error);
  if (!error) acceptor->bind(local, error);
  if (!error) acceptor->listen(64, error);
  if (error) return base::fail(fmt::format("listen on {}: {}", endpoint->to_string(), error.message()));
  impl_->tcp_acceptor = acceptor;
  impl_->accept(acceptor, Door::Tcp);
  return {};
}

void HttpServer::close() {
  if (impl_->closed) return;
  impl_->closed = true;
  error_code ignored;
  for (auto& [path, acceptor] : impl_->unix_acceptors) {
    acceptor->close(ignored);
    ::unlink(path.c_str());
  }
  impl_->unix_acceptors.clear();
  static_cast<void>(listen_tcp(std::nullopt));
}

// --- the client ------------------------------------------------------------------------------------------------------

namespace {

struct Exchange {
  base::Result<HttpReply> result = base::fail("no reply");
};

asio::awaitable<void> exchange(UnixStream& stream, std::string path, http::request<http::string_body> request,
                               Exchange& out) {
  error_code error;
  const auto token = [&error] { return asio::redirect_error(asio::use_awaitable, error); };
  co_await stream.async_connect(asio::local::stream_protocol::endpoint{path}, token());
  if (error) {
    out.result = base::fail("connect: " + error.message());
    co_return;
  }
  co_await http::async_write(stream, request, token());
  beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(kMaxReply);
  if (!error) co_await http::async_read(stream, buffer, parser, token());
  if (error) {
    out.result = base::fail(error == beast::error::timeout ? std::string{"timed out"} : error.message());
    co_return;
  }
  auto response = parser.release();
  out.result = HttpReply{static_cast<int>(response.result_int()), std::move(response.body())};
}

}  // namespace

base::Result<HttpReply> http_request(const std::string& socket_path, std::string_view method, std::string_view target,
                                     std::string_view body, base::Duration timeout) {
  const auto verb = http::string_to_verb({method.data(), method.size()});
  if (verb == http::verb::unknown) return base::fail(fmt::format("unknown HTTP method \"{}\"", method));
  if (socket_path.size() >= sizeof(sockaddr_un::sun_path)) return base::fail("the socket's path is too long");
  http::request<http::string_body> request{verb, {target.data(), target.size()}, 11};
  request.set(http::field::host, "lvsd");
  request.keep_alive(false);
  request.body() = body;
  request.prepare_payload();

  asio::io_context loop{1};
  UnixStream stream{loop};
  stream.expires_after(timeout);
  Exchange out;
  asio::co_spawn(loop, exchange(stream, socket_path, std::move(request), out), asio::detached);
  loop.run();
  if (!out.result && out.result.error().text == "timed out") {
    return base::fail("timed out after " + base::format_duration(timeout));
  }
  return out.result;
}

}  // namespace lvsd::daemon

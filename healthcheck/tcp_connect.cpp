#include "healthcheck/tcp_connect.hpp"

#include <cstring>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "healthcheck/marker.hpp"
#include "healthcheck/socket_address.hpp"
#include "healthcheck/source.hpp"

namespace lvsd::healthcheck {
namespace {

constexpr int kReceiveBuffer = 64 << 10;  // bytes: what a server may make the kernel hold for one check

int pending_error(int socket) {
  int error = 0;
  socklen_t size = sizeof error;
  return getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

// A connect to a port of this host where nobody listens can meet itself, when the kernel picks that port as the source
// (simultaneous open, RFC 9293 §3.5).
bool met_itself(int socket, const SocketAddress& server) {
  SocketAddress own;
  own.size = sizeof own.storage;
  if (getsockname(socket, reinterpret_cast<sockaddr*>(&own.storage), &own.size) != 0) return false;
  return own.size == server.size && std::memcmp(&own.storage, &server.storage, own.size) == 0;
}

}  // namespace

struct TcpConnect::Impl : std::enable_shared_from_this<TcpConnect::Impl> {
  Impl(boost::asio::io_context& io, Marker& m, const Target& t, OnDone callback)
      : loop{io}, marker{m}, descriptor{io}, target{t}, server{socket_address(t.endpoint)}, done{std::move(callback)} {}

  void start() {
    const int fd = socket(server.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
    if (fd < 0) return finish_soon(errno);
    boost::system::error_code error;
    descriptor.assign(fd, error);
    if (error) {
      ::close(fd);
      return finish_soon(error.value());
    }
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &kReceiveBuffer, sizeof kReceiveBuffer);
    if (const auto fault = set_source(fd, target.check)) return finish_soon(*fault);
    if (target.check.mark == 0) return ask();
    marker.mark(fd, target.check.mark, [weak = weak_from_this()](const std::string& trouble) {
      const auto self = weak.lock();
      if (!self || !self->done) return;
      if (!trouble.empty()) return self->finish(tl::unexpected{mark_fault(trouble)});
      self->ask();
    });
  }

  void ask() {
    const int fd = descriptor.native_handle();
    if (connect(fd, server.get(), server.size) != 0 && errno != EINPROGRESS) return finish_soon(errno);
    descriptor.async_wait(descriptor.wait_write,
                          [weak = weak_from_this()](const boost::system::error_code& wait_error) {
                            const auto self = weak.lock();
                            if (self && !wait_error) self->answered();
                          });
  }

  void answered() {
    const int fd = descriptor.native_handle();
    if (const int error = pending_error(fd); error != 0) return finish(tl::unexpected{connect_fault(error, false)});
    if (met_itself(fd, server)) return finish(tl::unexpected{connect_fault(ECONNREFUSED, false)});
    finish(base::UniqueFd{descriptor.release()});
  }

  void finish_soon(int error) { finish_soon(connect_fault(error, true)); }

  void finish_soon(const Fault& fault) {
    boost::asio::post(loop, [weak = weak_from_this(), fault] {
      if (const auto self = weak.lock()) self->finish(tl::unexpected{fault});
    });
  }

  void finish(base::Result<base::UniqueFd, Fault> outcome) {
    if (const auto call = std::exchange(done, {})) call(std::move(outcome));
  }

  boost::asio::io_context& loop;
  Marker& marker;
  boost::asio::posix::stream_descriptor descriptor;
  Target target;
  SocketAddress server;
  OnDone done;
};

TcpConnect::TcpConnect(boost::asio::io_context& loop, Marker& marker, const Target& target, OnDone done)
    : impl_{std::make_shared<Impl>(loop, marker, target, std::move(done))} {
  impl_->start();
}

TcpConnect::~TcpConnect() { impl_->done = {}; }

}  // namespace lvsd::healthcheck

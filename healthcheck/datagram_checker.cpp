#include "healthcheck/datagram_checker.hpp"

#include <array>
#include <cerrno>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "healthcheck/check_type.hpp"
#include "healthcheck/deadline.hpp"
#include "healthcheck/exchange.hpp"
#include "healthcheck/marker.hpp"
#include "healthcheck/socket_address.hpp"
#include "healthcheck/source.hpp"

namespace lvsd::healthcheck {
namespace {

constexpr unsigned kAtOnce = 16;          // datagrams, then the loop serves others first
constexpr unsigned kMostDatagrams = 256;  // that are no answer, in one check
constexpr int kReceiveBuffer = 64 << 10;  // bytes: what a server may make the kernel hold for one check

bool is_echo(const Target& target) { return carrier(target.check.type) == Carrier::Echo; }

int open_socket(const Target& target) {
  const bool v4 = target.endpoint.address.is_v4();
  const int protocol = !is_echo(target) ? IPPROTO_UDP : v4 ? int{IPPROTO_ICMP} : int{IPPROTO_ICMPV6};
  const int fd = socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
  if (fd < 0) return fd;
  // With it every ICMP error is told, not only the final ones: "host unreachable" too.
  const int on = 1;
  if (v4) {
    setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof on);
  } else {
    setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof on);
  }
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &kReceiveBuffer, sizeof kReceiveBuffer);
  return fd;
}

// The kernel lets only some groups ping without a capability (net.ipv4.ping_group_range, also for IPv6).
Fault open_fault(const Target& target, int error) {
  if (is_echo(target) && (error == EACCES || error == EPERM)) {
    return {Reason::Local,
            fmt::format("not checked: the kernel forbids group {} to ping; sysctl net.ipv4.ping_group_range "
                        "must include it",
                        getegid())};
  }
  return connect_fault(error, true);
}

Fault told_fault(const Target& target, int error) {
  if (error == ECONNREFUSED && !is_echo(target)) return {Reason::Refused, "port unreachable"};
  return connect_fault(error, false);
}

}  // namespace

struct DatagramChecker::Impl : std::enable_shared_from_this<DatagramChecker::Impl> {
  Impl(boost::asio::io_context& io, Marker& m, const Target& t, std::uint64_t nonce, OnResult callback)
      : loop{io},
        marker{m},
        descriptor{io},
        target{t},
        exchange{make_exchange(t, nonce)},
        done{std::move(callback)},
        deadline{io, t.check.timeout, [this] { expired(); }} {}

  void start() {
    const int fd = open_socket(target);
    if (fd < 0) return finish_soon(open_fault(target, errno));
    boost::system::error_code error;
    descriptor.assign(fd, error);
    if (error) {
      ::close(fd);
      return finish_soon(connect_fault(error.value(), true));
    }
    if (const auto fault = set_source(fd, target.check)) return finish_soon(*fault);
    if (target.check.mark == 0) return ask();
    marker.mark(fd, target.check.mark, [weak = weak_from_this()](const std::string& trouble) {
      const auto self = weak.lock();
      if (!self || !self->done) return;
      if (!trouble.empty()) return self->finish(mark_fault(trouble));
      self->ask();
    });
  }

  void ask() {
    const int fd = descriptor.native_handle();
    const auto server = socket_address(is_echo(target) ? base::Endpoint{target.endpoint.address, 0} : target.endpoint);
    if (connect(fd, server.get(), server.size) != 0) return finish_soon(connect_fault(errno, true));
    const auto request = exchange->request(own_endpoint(fd));
    if (::send(fd, request.data(), request.size(), MSG_NOSIGNAL) < 0) return finish_soon(connect_fault(errno, true));
    wait();
  }

  void wait() {
    descriptor.async_wait(descriptor.wait_read, [weak = weak_from_this()](const boost::system::error_code& error) {
      const auto self = weak.lock();
      if (self && !error) self->read();
    });
  }

  void read() {
    std::array<char, 64u << 10> buffer;
    for (unsigned i = 0; done && i < kAtOnce; ++i) {
      const ssize_t size = recv(descriptor.native_handle(), buffer.data(), buffer.size(), 0);
      if (size < 0 && errno == EINTR) continue;
      if (size < 0 && errno == EAGAIN) break;
      if (size < 0) return finish(told_fault(target, errno));
      if (const auto verdict = exchange->judge({buffer.data(), static_cast<std::size_t>(size)}))
        return finish(*verdict);
      if (++strange == kMostDatagrams) return finish({Reason::Protocol, "only answers to questions we did not ask"});
    }
    if (done) wait();
  }

  void expired() {
    if (const auto verdict = exchange->silence()) return finish(*verdict);
    finish(
        {Reason::Timeout, fmt::format("timed out after {} (no reply)", base::format_duration(target.check.timeout))});
  }

  void finish_soon(Fault fault) {
    boost::asio::post(loop, [weak = weak_from_this(), fault = std::move(fault)] {
      if (const auto self = weak.lock()) self->finish(fault);
    });
  }

  void finish(const Fault& verdict) {
    const auto latency = base::Clock::now() - started;
    CheckResult result{verdict.reason, verdict.text, latency};
    if (result.passed()) result.text += " in " + latency_words(latency);
    if (const auto call = std::exchange(done, {})) call(std::move(result));
  }

  boost::asio::io_context& loop;
  Marker& marker;
  boost::asio::posix::stream_descriptor descriptor;
  Target target;
  std::unique_ptr<Exchange> exchange;
  OnResult done;
  base::TimePoint started = base::Clock::now();
  unsigned strange = 0;
  Deadline deadline;
};

DatagramChecker::DatagramChecker(boost::asio::io_context& loop, Marker& marker, const Target& target,
                                 std::uint64_t nonce, OnResult done)
    : impl_{std::make_shared<Impl>(loop, marker, target, nonce, std::move(done))} {
  impl_->start();
}

DatagramChecker::~DatagramChecker() {
  impl_->done = {};
  boost::system::error_code ignored;
  impl_->descriptor.close(ignored);
}

}  // namespace lvsd::healthcheck

#include "base/channel.hpp"

#include <deque>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <fcntl.h>
#include <sys/socket.h>

#include "base/memfd.hpp"

namespace lvsd::base {
namespace {

// First byte of a datagram: how the text travels.
constexpr char kInline = 'I';
constexpr char kInMemfd = 'M';  // the last attached descriptor holds the text

struct Outgoing {
  std::string bytes;
  std::vector<UniqueFd> fds;
};

struct Incoming {
  std::string bytes;
  std::vector<UniqueFd> fds;
  bool truncated = false;
};

// Returns bytes sent, or -1 with errno.
ssize_t send_datagram(int socket, const Outgoing& message) {
  iovec iov{const_cast<char*>(message.bytes.data()), message.bytes.size()};
  msghdr header{};
  header.msg_iov = &iov;
  header.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * (Channel::kMaxFds + 1))] = {};
  if (!message.fds.empty()) {
    header.msg_control = control;
    header.msg_controllen = CMSG_SPACE(sizeof(int) * message.fds.size());
    cmsghdr* c = CMSG_FIRSTHDR(&header);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int) * message.fds.size());
    for (std::size_t i = 0; i < message.fds.size(); ++i) {
      const int fd = message.fds[i].get();
      std::memcpy(CMSG_DATA(c) + i * sizeof(int), &fd, sizeof fd);
    }
  }
  return sendmsg(socket, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
}

// Returns bytes received (0 = closed), or -1 with errno.
ssize_t receive_datagram(int socket, Incoming& message) {
  message.bytes.resize(Channel::kInlineLimit + 1);
  iovec iov{message.bytes.data(), message.bytes.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * (Channel::kMaxFds + 1))];
  msghdr header{};
  header.msg_iov = &iov;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  const ssize_t n = recvmsg(socket, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (n < 0) return n;
  message.bytes.resize(static_cast<std::size_t>(n));
  message.truncated = (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;
  for (cmsghdr* c = CMSG_FIRSTHDR(&header); c; c = CMSG_NXTHDR(&header, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof fd);
      message.fds.emplace_back(fd);
    }
  }
  return n;
}

}  // namespace

struct Channel::Impl : std::enable_shared_from_this<Channel::Impl> {
  Impl(boost::asio::io_context& io, UniqueFd fd) : loop{io}, socket{io, fd.release()} {
    socket.native_non_blocking(true);
  }

  void wait_readable() {
    socket.async_wait(socket.wait_read, [self = shared_from_this()](const boost::system::error_code& error) {
      if (!error) self->read_some();
    });
  }

  // A bounded number per wake-up, so that a busy peer cannot starve the loop.
  void read_some() {
    for (int i = 0; i < 32 && on_message; ++i) {
      Incoming message;
      const ssize_t n = receive_datagram(socket.native_handle(), message);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
      if (n <= 0) return close(n == 0 ? "closed by the peer" : std::strerror(errno));
      if (message.truncated) return close("a message over the size limit");
      deliver(std::move(message));
    }
    if (on_message) wait_readable();
  }

  void deliver(Incoming message) {
    const auto keep = shared_from_this();  // the callback may destroy the channel
    const auto call = on_message;
    if (message.bytes[0] == kInline) return call(std::string_view{message.bytes}.substr(1), std::move(message.fds));
    if (message.bytes[0] != kInMemfd || message.fds.empty()) return close("a malformed message");
    const auto text = read_sealed_memfd(message.fds.back().get());
    if (!text) return close(text.error().text);
    message.fds.pop_back();
    call(*text, std::move(message.fds));
  }

  void close(std::string reason) {
    const auto callback = std::exchange(on_closed, {});
    on_message = {};
    boost::system::error_code ignored;
    socket.close(ignored);
    if (callback) callback(std::move(reason));
  }

  Result<void> send(Outgoing message) {
    if (!socket.is_open()) return fail("the channel is closed");
    if (backlog.empty()) {
      const ssize_t n = send_datagram(socket.native_handle(), message);
      if (n >= 0) return {};
      if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR && errno != ENOBUFS) return fail_errno("send");
    }
    if (backlog.size() >= kBacklogLimit) return fail("the peer does not read its messages");
    backlog.push_back(std::move(message));
    if (backlog.size() == 1) wait_writable();
    return {};
  }

  void wait_writable() {
    socket.async_wait(socket.wait_write, [self = shared_from_this()](const boost::system::error_code& error) {
      if (!error) self->flush();
    });
  }

  void flush() {
    while (!backlog.empty()) {
      const ssize_t n = send_datagram(socket.native_handle(), backlog.front());
      if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return wait_writable();
      if (n < 0) return backlog.clear();  // the reading side will report the closed peer
      backlog.pop_front();
    }
  }

  boost::asio::io_context& loop;
  boost::asio::posix::stream_descriptor socket;
  OnMessage on_message;
  OnClosed on_closed;
  std::deque<Outgoing> backlog;
};

Result<std::pair<UniqueFd, UniqueFd>> Channel::make_pair() {
  int fds[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) != 0) return fail_errno("socketpair");
  return std::pair{UniqueFd{fds[0]}, UniqueFd{fds[1]}};
}

Channel::Channel(boost::asio::io_context& loop, UniqueFd socket)
    : impl_{std::make_shared<Impl>(loop, std::move(socket))} {}

Channel::~Channel() {
  impl_->on_closed = {};
  impl_->close({});
}

void Channel::start(OnMessage on_message, OnClosed on_closed) {
  impl_->on_message = std::move(on_message);
  impl_->on_closed = std::move(on_closed);
  impl_->wait_readable();
}

Result<void> Channel::send(std::string_view text, std::span<const int> fds) {
  if (fds.size() > kMaxFds) return fail("too many descriptors for one message");
  Outgoing message;
  for (const int fd : fds) {
    UniqueFd copy{fcntl(fd, F_DUPFD_CLOEXEC, 0)};
    if (!copy) return fail_errno("duplicate a descriptor");
    message.fds.push_back(std::move(copy));
  }
  if (text.size() + 1 <= kInlineLimit) {
    message.bytes = kInline;
    message.bytes += text;
  } else {
    auto memfd = make_sealed_memfd("lvsd-message", text);
    if (!memfd) return tl::unexpected{memfd.error()};
    message.bytes = kInMemfd;
    message.fds.push_back(std::move(*memfd));
  }
  return impl_->send(std::move(message));
}

}  // namespace lvsd::base

#include "vrrp/socket.hpp"

#include <algorithm>
#include <cstring>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <sys/socket.h>

#include "base/fd.hpp"
#include "vrrp/advertisement.hpp"

namespace lvsd::vrrp {
namespace {

constexpr int kPacketsPerWakeup = 256;  // so that a flood starves neither timers nor other interfaces
constexpr std::size_t kLargestPacket =
    2048;                                // 20..60 + 8 + 255 × 4; longer ones are cut and then refused by their length
constexpr int kReceiveBuffer = 1 << 20;  // bytes; holds a stall's worth of adverts

sockaddr_in group_address() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(kGroup.v4_host_order());
  return address;
}

template <class T>
base::Result<void> set_option(int fd, int level, int option, const T& value, std::string_view name) {
  if (setsockopt(fd, level, option, &value, sizeof value) != 0) return base::fail_errno(name);
  return {};
}

base::Result<void> configure(int fd, const Link& link) {
  if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, link.name.c_str(), static_cast<socklen_t>(link.name.size())) != 0) {
    return base::fail_errno("bind to device");
  }
  ip_mreqn membership{};
  membership.imr_multiaddr.s_addr = htonl(kGroup.v4_host_order());
  membership.imr_ifindex = link.index;
  // Best effort: a smaller buffer loses adverts only in a flood.
  static_cast<void>(set_option(fd, SOL_SOCKET, SO_RCVBUF, kReceiveBuffer, "receive buffer"));
  return set_option(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0, "multicast all")
      .and_then([&] { return set_option(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, membership, "join 224.0.0.18"); })
      .and_then([&] { return set_option(fd, IPPROTO_IP, IP_MULTICAST_IF, membership, "multicast interface"); })
      .and_then([&] { return set_option(fd, IPPROTO_IP, IP_MULTICAST_TTL, 255, "multicast TTL"); })  // §5.1.1.3
      .and_then([&] { return set_option(fd, IPPROTO_IP, IP_MULTICAST_LOOP, 0, "multicast loop"); })
      .and_then([&] { return set_option(fd, IPPROTO_IP, IP_TOS, int{IPTOS_PREC_INTERNETCONTROL}, "precedence"); });
}

}  // namespace

struct Socket::Impl : std::enable_shared_from_this<Socket::Impl> {
  Impl(boost::asio::io_context& loop, int fd, int index, OnPacket callback)
      : descriptor{loop, fd}, link_index{index}, on_packet{std::move(callback)} {}

  void wait() {
    descriptor.async_wait(descriptor.wait_read, [self = shared_from_this()](const boost::system::error_code& error) {
      if (error || !self->on_packet) return;
      self->read();
      if (self->on_packet) self->wait();
    });
  }

  void read() {
    const auto keep = shared_from_this();  // a packet may end in this socket being closed
    std::uint8_t buffer[kLargestPacket];
    for (int i = 0; i < kPacketsPerWakeup && on_packet; ++i) {
      const ssize_t n = recv(descriptor.native_handle(), buffer, sizeof buffer, MSG_DONTWAIT);
      if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) continue;  // ENETDOWN is told once
      if (n < 0) return;
      on_packet({buffer, static_cast<std::size_t>(n)});
    }
  }

  void close() {
    on_packet = {};
    boost::system::error_code ignored;
    descriptor.close(ignored);
  }

  boost::asio::posix::stream_descriptor descriptor;
  int link_index;
  OnPacket on_packet;
};

base::Result<std::unique_ptr<Socket>> Socket::open(boost::asio::io_context& loop, const Link& link,
                                                   OnPacket on_packet) {
  base::UniqueFd fd{socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, kIpProtocol)};
  if (!fd) return base::fail_errno("raw socket");
  if (const auto configured = configure(fd.get(), link); !configured) return tl::unexpected{configured.error()};
  auto impl = std::make_shared<Impl>(loop, fd.release(), link.index, std::move(on_packet));
  impl->wait();
  return std::unique_ptr<Socket>{new Socket{std::move(impl)}};
}

Socket::~Socket() { impl_->close(); }

base::Result<void> Socket::send(const base::IpAddress& source, std::span<const std::uint8_t> payload) {
  sockaddr_in group = group_address();
  iovec iov{const_cast<std::uint8_t*>(payload.data()), payload.size()};
  msghdr message{};
  message.msg_name = &group;
  message.msg_namelen = sizeof group;
  message.msg_iov = &iov;
  message.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(in_pktinfo))] = {};
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = IPPROTO_IP;
  header->cmsg_type = IP_PKTINFO;
  header->cmsg_len = CMSG_LEN(sizeof(in_pktinfo));
  in_pktinfo info{};
  info.ipi_ifindex = impl_->link_index;
  info.ipi_spec_dst.s_addr = htonl(source.v4_host_order());  // §5.1.1.1: never a VIP, whatever the kernel would choose
  std::memcpy(CMSG_DATA(header), &info, sizeof info);
  if (sendmsg(impl_->descriptor.native_handle(), &message, MSG_DONTWAIT) < 0) return base::fail_errno("send");
  return {};
}

void Socket::drain() { impl_->read(); }
int Socket::link_index() const { return impl_->link_index; }

base::Result<void> Sockets::open(const Link& link) {
  auto& slot = sockets_[link.name];
  if (slot && slot->link_index() == link.index) return {};
  slot.reset();
  auto opened = Socket::open(loop_, link, [this, name = link.name](auto packet) { on_packet_(name, packet); });
  if (!opened) return tl::unexpected{opened.error().within("VRRP socket on " + link.name)};
  slot = std::move(*opened);
  return {};
}

void Sockets::keep_only(const std::vector<std::string>& interfaces) {
  std::erase_if(sockets_,
                [&](const auto& entry) { return std::ranges::find(interfaces, entry.first) == interfaces.end(); });
}

base::Result<void> Sockets::send(const std::string& interface, const base::IpAddress& source,
                                 std::span<const std::uint8_t> payload) {
  const auto it = sockets_.find(interface);
  if (it == sockets_.end() || !it->second) return base::fail("no VRRP socket on " + interface);
  return it->second->send(source, payload);
}

void Sockets::drain(const std::string& interface) {
  const auto it = sockets_.find(interface);
  if (it != sockets_.end() && it->second) it->second->drain();
}

}  // namespace lvsd::vrrp

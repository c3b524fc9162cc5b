#include "ipvs/sync/multicast_socket.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <fmt/format.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/fd.hpp"
#include "ipvs/sync/ipvs_message.hpp"

namespace lvsd::ipvs::sync {
namespace {

using boost::asio::ip::udp;
using boost::system::error_code;

constexpr int kReceiveBuffer = 4 << 20;  // bytes: a failover's worth of messages
constexpr std::size_t kMostMessage = 65'507;

template <class T>
base::Result<void> set(int fd, int level, int option, const T& value, std::string_view what) {
  if (setsockopt(fd, level, option, &value, sizeof value) != 0) return base::fail_errno(what);
  return {};
}

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

SocketAddress socket_address(const base::Endpoint& end, unsigned interface) {
  SocketAddress out;
  if (end.address.is_v4()) {
    auto& in = reinterpret_cast<sockaddr_in&>(out.storage);
    in.sin_family = AF_INET;
    in.sin_port = htons(end.port);
    in.sin_addr.s_addr = htonl(end.address.v4_host_order());
    out.size = sizeof in;
  } else {
    auto& in = reinterpret_cast<sockaddr_in6&>(out.storage);
    in.sin6_family = AF_INET6;
    in.sin6_port = htons(end.port);
    std::memcpy(&in.sin6_addr, end.address.data(), sizeof in.sin6_addr);
    in.sin6_scope_id = interface;
    out.size = sizeof in;
  }
  return out;
}

// The interface's first address of the family: link-local with IPv6, as the kernel takes it.
base::Result<base::IpAddress> own_address(const std::string& interface, base::Family family) {
  ifaddrs* all = nullptr;
  if (getifaddrs(&all) != 0) return base::fail_errno("addresses");
  const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owner{all, &freeifaddrs};
  for (const auto* a = all; a != nullptr; a = a->ifa_next) {
    if (a->ifa_addr == nullptr || interface != a->ifa_name) continue;
    if (family == base::Family::V4 && a->ifa_addr->sa_family == AF_INET)
      return base::IpAddress::v4(ntohl(reinterpret_cast<const sockaddr_in*>(a->ifa_addr)->sin_addr.s_addr));
    if (family == base::Family::V6 && a->ifa_addr->sa_family == AF_INET6) {
      std::array<std::uint8_t, 16> bytes{};
      std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in6*>(a->ifa_addr)->sin6_addr, bytes.size());
      if (const auto address = base::IpAddress::v6(bytes); address.is_link_local()) return address;
    }
  }
  return base::fail(fmt::format("{} has no {} address", interface, family == base::Family::V4 ? "IPv4" : "link-local"));
}

std::size_t longest_message(int fd, const IpvsSyncConfig& config) {
  if (config.max_length != 0) return config.max_length;
  ifreq request{};
  std::strncpy(request.ifr_name, config.interface.c_str(), IFNAMSIZ - 1);
  const std::size_t headers = config.group.address.is_v4() ? 28 : 48;
  if (ioctl(fd, SIOCGIFMTU, &request) != 0) return 1500 - headers;
  const auto mtu = static_cast<std::size_t>(std::clamp(request.ifr_mtu, 1500, 65'535));
  return std::min(mtu - headers, kMostMessage);
}

base::Result<void> to_group(int fd, const IpvsSyncConfig& config, int interface) {
  if (config.group.address.is_v4()) {
    ip_mreqn way{};
    way.imr_ifindex = interface;
    return set(fd, IPPROTO_IP, IP_MULTICAST_IF, way, "multicast interface")
        .and_then([&] { return set(fd, IPPROTO_IP, IP_MULTICAST_TTL, int{config.ttl}, "multicast TTL"); })
        .and_then([&] { return set(fd, IPPROTO_IP, IP_MULTICAST_LOOP, 0, "multicast loop"); });
  }
  return set(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, interface, "multicast interface")
      .and_then([&] { return set(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, int{config.ttl}, "multicast hops"); })
      .and_then([&] { return set(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0, "multicast loop"); });
}

base::Result<void> join(int fd, const base::IpAddress& group, int interface) {
  if (group.is_v4()) {
    ip_mreqn membership{};
    membership.imr_multiaddr.s_addr = htonl(group.v4_host_order());
    membership.imr_ifindex = interface;
    return set(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0, "multicast all").and_then([&] {
      return set(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, membership, "join the group");
    });
  }
  ipv6_mreq membership{};
  std::memcpy(&membership.ipv6mr_multiaddr, group.data(), sizeof membership.ipv6mr_multiaddr);
  membership.ipv6mr_interface = static_cast<unsigned>(interface);
  return set(fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0, "multicast all").and_then([&] {
    return set(fd, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, membership, "join the group");
  });
}

base::Result<base::UniqueFd> make_socket(const base::IpAddress& group) {
  base::UniqueFd fd{::socket(group.is_v4() ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!fd) return base::fail_errno("socket");
  return fd;
}

base::Result<base::UniqueFd> open_sender(const IpvsSyncConfig& config, int interface) {
  const auto& group = config.group;
  const auto own = own_address(config.interface, group.address.family());
  if (!own) return tl::unexpected{own.error()};
  auto fd = make_socket(group.address);
  if (!fd) return fd;
  if (auto done = to_group(fd->get(), config, interface); !done) return tl::unexpected{done.error()};
  const auto from = socket_address({*own, 0}, static_cast<unsigned>(interface));
  const auto to = socket_address(group, static_cast<unsigned>(interface));
  if (::bind(fd->get(), from.get(), from.size) != 0) return base::fail_errno("bind " + own->to_string());
  if (::connect(fd->get(), to.get(), to.size) != 0) return base::fail_errno("group " + group.to_string());
  return fd;
}

base::Result<base::UniqueFd> open_hearer(const IpvsSyncConfig& config, int interface) {
  auto fd = make_socket(config.group.address);
  if (!fd) return fd;
  if (auto done = set(fd->get(), SOL_SOCKET, SO_REUSEADDR, 1, "reuse address"); !done)
    return tl::unexpected{done.error()};
  if (setsockopt(fd->get(), SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer, sizeof kReceiveBuffer) != 0)
    setsockopt(fd->get(), SOL_SOCKET, SO_RCVBUF, &kReceiveBuffer, sizeof kReceiveBuffer);
  const auto at = socket_address(config.group, static_cast<unsigned>(interface));
  if (::bind(fd->get(), at.get(), at.size) != 0) return base::fail_errno("bind " + config.group.to_string());
  if (auto joined = join(fd->get(), config.group.address, interface); !joined) return tl::unexpected{joined.error()};
  return fd;
}

class Opened final : public MulticastSocket, public std::enable_shared_from_this<Opened> {
 public:
  Opened(boost::asio::io_context& loop, const IpvsSyncConfig& config, int interface, base::UniqueFd sender,
         base::UniqueFd hearer, Heard heard)
      : config_{config},
        interface_{interface},
        longest_{longest_message(sender.get(), config)},
        sender_{std::move(sender)},
        hearer_{loop, config.group.address.is_v4() ? udp::v4() : udp::v6(), hearer.release()},
        heard_{std::move(heard)} {}

  void hear() {
    hearer_.async_receive(boost::asio::buffer(buffer_),
                          [weak = weak_from_this()](const error_code& error, std::size_t size) {
                            const auto self = weak.lock();
                            if (!self || self->closed_ || error == boost::asio::error::operation_aborted) return;
                            if (error) {
                              self->broken_ = true;
                              return;
                            }
                            self->heard_(std::span{self->buffer_}.first(size));
                            if (!self->closed_) self->hear();
                          });
  }
  void close() {
    closed_ = true;
    error_code ignored;
    hearer_.close(ignored);
  }

  bool send(std::span<const std::uint8_t> message) override {
    return ::send(sender_.get(), message.data(), message.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(message.size());
  }
  bool is_usable() const override {
    return !broken_ && static_cast<int>(if_nametoindex(config_.interface.c_str())) == interface_;
  }
  std::size_t max_length() const override { return longest_; }

 private:
  IpvsSyncConfig config_;
  int interface_;
  std::size_t longest_;
  base::UniqueFd sender_;
  udp::socket hearer_;
  Heard heard_;
  std::array<std::uint8_t, 65'536> buffer_{};
  bool broken_ = false;
  bool closed_ = false;
};

// Whoever owns it is not the only one who holds it while a message is handed on.
class Owner final : public MulticastSocket {
 public:
  explicit Owner(std::shared_ptr<Opened> opened) : opened_{std::move(opened)} {}
  ~Owner() override { opened_->close(); }
  Owner(const Owner&) = delete;
  Owner& operator=(const Owner&) = delete;
  bool send(std::span<const std::uint8_t> message) override { return opened_->send(message); }
  bool is_usable() const override { return opened_->is_usable(); }
  std::size_t max_length() const override { return opened_->max_length(); }

 private:
  std::shared_ptr<Opened> opened_;
};

}  // namespace

base::Result<std::unique_ptr<MulticastSocket>> MulticastSocket::open(boost::asio::io_context& loop,
                                                                     const IpvsSyncConfig& config, Heard heard) {
  const auto interface = static_cast<int>(if_nametoindex(config.interface.c_str()));
  if (interface == 0) return base::fail(fmt::format("there is no interface {}", config.interface));
  auto sender = open_sender(config, interface);
  if (!sender) return tl::unexpected{sender.error()};
  auto hearer = open_hearer(config, interface);
  if (!hearer) return tl::unexpected{hearer.error()};
  auto opened =
      std::make_shared<Opened>(loop, config, interface, std::move(*sender), std::move(*hearer), std::move(heard));
  opened->hear();
  return std::make_unique<Owner>(std::move(opened));
}

}  // namespace lvsd::ipvs::sync

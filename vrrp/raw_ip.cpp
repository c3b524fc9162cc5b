#include "vrrp/raw_ip.hpp"

#include <array>
#include <cerrno>
#include <cstring>

#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <sys/socket.h>

namespace lvsd::vrrp {
namespace {

constexpr int kReceiveBuffer = 1 << 20;                  // bytes; holds a stall's worth of adverts
constexpr int kPrecedence = IPTOS_PREC_INTERNETCONTROL;  // as routing protocols have it

template <class T>
base::Result<void> set_option(int fd, int level, int option, const T& value, std::string_view name) {
  if (setsockopt(fd, level, option, &value, sizeof value) != 0) return base::fail_errno(name);
  return {};
}

in_addr to_kernel4(const base::IpAddress& address) { return {htonl(address.v4_host_order())}; }

in6_addr to_kernel6(const base::IpAddress& address) {
  in6_addr result{};
  std::memcpy(&result, address.data(), sizeof result);
  return result;
}

base::IpAddress from_kernel6(const in6_addr& address) {
  std::array<std::uint8_t, 16> bytes{};
  std::memcpy(bytes.data(), &address, bytes.size());
  return base::IpAddress::v6(bytes);
}

base::Result<void> configure4(int fd, const Link& link) {
  ip_mreqn membership{};
  membership.imr_multiaddr = to_kernel4(multicast_group(base::Family::V4));
  membership.imr_ifindex = link.index;
  return set_option(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0, "multicast all")
      .and_then([&] { return set_option(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, membership, "join 224.0.0.18"); })
      .and_then([&] { return set_option(fd, IPPROTO_IP, IP_MULTICAST_IF, membership, "multicast interface"); })
      .and_then([&] { return set_option(fd, IPPROTO_IP, IP_MULTICAST_TTL, int{kHopLimit}, "multicast TTL"); })
      .and_then([&] { return set_option(fd, IPPROTO_IP, IP_TTL, int{kHopLimit}, "TTL"); })
      .and_then([&] { return set_option(fd, IPPROTO_IP, IP_MULTICAST_LOOP, 0, "multicast loop"); })
      .and_then([&] { return set_option(fd, IPPROTO_IP, IP_TOS, kPrecedence, "precedence"); });
}

base::Result<void> configure6(int fd, const Link& link) {
  ipv6_mreq membership{};
  membership.ipv6mr_multiaddr = to_kernel6(multicast_group(base::Family::V6));
  membership.ipv6mr_interface = static_cast<unsigned>(link.index);
  return set_option(fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0, "multicast all")
      .and_then([&] { return set_option(fd, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, membership, "join ff02::12"); })
      .and_then([&] { return set_option(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, link.index, "multicast interface"); })
      .and_then([&] { return set_option(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, int{kHopLimit}, "multicast hops"); })
      .and_then([&] { return set_option(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, int{kHopLimit}, "hops"); })
      .and_then([&] { return set_option(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0, "multicast loop"); })
      .and_then([&] { return set_option(fd, IPPROTO_IPV6, IPV6_TCLASS, kPrecedence, "traffic class"); })
      .and_then([&] { return set_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1, "destination of packets"); })
      .and_then([&] { return set_option(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1, "hop limit of packets"); });
}

// The kernel has taken the IPv6 header off; what matters of it comes beside the payload.
std::optional<Datagram> read_ipv6(const msghdr& message, const sockaddr_in6& from,
                                  std::span<const std::uint8_t> payload) {
  Datagram datagram;
  datagram.source = from_kernel6(from.sin6_addr);
  datagram.payload = payload;
  bool has_destination = false;
  bool has_hop_limit = false;
  for (const cmsghdr* c = CMSG_FIRSTHDR(&message); c;
       c = CMSG_NXTHDR(const_cast<msghdr*>(&message), const_cast<cmsghdr*>(c))) {
    if (c->cmsg_level != IPPROTO_IPV6) continue;
    if (c->cmsg_type == IPV6_PKTINFO && c->cmsg_len == CMSG_LEN(sizeof(in6_pktinfo))) {
      in6_pktinfo info{};
      std::memcpy(&info, CMSG_DATA(c), sizeof info);
      datagram.destination = from_kernel6(info.ipi6_addr);
      has_destination = true;
    }
    if (c->cmsg_type == IPV6_HOPLIMIT && c->cmsg_len == CMSG_LEN(sizeof(int))) {
      int limit = 0;
      std::memcpy(&limit, CMSG_DATA(c), sizeof limit);
      datagram.hop_limit = static_cast<std::uint8_t>(limit);
      has_hop_limit = true;
    }
  }
  if (!has_destination || !has_hop_limit) return std::nullopt;
  return datagram;
}

template <class Info>
base::Result<void> send_from(int fd, int level, int type, const Info& info, msghdr& message) {
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(Info))] = {};
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = level;
  header->cmsg_type = type;
  header->cmsg_len = CMSG_LEN(sizeof(Info));
  std::memcpy(CMSG_DATA(header), &info, sizeof info);
  if (sendmsg(fd, &message, MSG_DONTWAIT) < 0) return base::fail_errno("send");
  return {};
}

}  // namespace

base::Result<base::UniqueFd> open_raw_ip(const Link& link, base::Family family) {
  const bool ipv4 = family == base::Family::V4;
  base::UniqueFd fd{socket(ipv4 ? AF_INET : AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, kIpProtocol)};
  if (!fd) return base::fail_errno("raw socket");
  const auto length = static_cast<socklen_t>(link.name.size());
  if (setsockopt(fd.get(), SOL_SOCKET, SO_BINDTODEVICE, link.name.c_str(), length) != 0)
    return base::fail_errno("bind to device");
  // Best effort: a smaller buffer loses adverts only in a flood.
  static_cast<void>(set_option(fd.get(), SOL_SOCKET, SO_RCVBUF, kReceiveBuffer, "receive buffer"));
  const auto configured = ipv4 ? configure4(fd.get(), link) : configure6(fd.get(), link);
  if (!configured) return tl::unexpected{configured.error()};
  return fd;
}

base::Result<void> send_raw_ip(int fd, int link, const base::IpAddress& source, const base::IpAddress& destination,
                               std::span<const std::uint8_t> payload) {
  iovec iov{const_cast<std::uint8_t*>(payload.data()), payload.size()};
  msghdr message{};
  message.msg_iov = &iov;
  message.msg_iovlen = 1;
  // The source is never a VIP, whatever the kernel would choose (§5.1.1.1, §5.1.2.1).
  if (destination.is_v4()) {
    sockaddr_in to{.sin_family = AF_INET, .sin_port = 0, .sin_addr = to_kernel4(destination), .sin_zero = {}};
    message.msg_name = &to;
    message.msg_namelen = sizeof to;
    in_pktinfo info{};
    info.ipi_ifindex = link;
    info.ipi_spec_dst = to_kernel4(source);
    return send_from(fd, IPPROTO_IP, IP_PKTINFO, info, message);
  }
  sockaddr_in6 to{};
  to.sin6_family = AF_INET6;
  to.sin6_addr = to_kernel6(destination);
  to.sin6_scope_id = static_cast<std::uint32_t>(link);
  message.msg_name = &to;
  message.msg_namelen = sizeof to;
  const in6_pktinfo info{to_kernel6(source), static_cast<unsigned>(link)};
  return send_from(fd, IPPROTO_IPV6, IPV6_PKTINFO, info, message);
}

std::optional<RawPacket> receive_raw_ip(int fd, base::Family family, std::span<std::uint8_t> buffer) {
  alignas(cmsghdr) char control[256];
  sockaddr_in6 from{};
  iovec iov{buffer.data(), buffer.size()};
  for (;;) {
    msghdr message{};
    message.msg_name = &from;
    message.msg_namelen = sizeof from;
    message.msg_iov = &iov;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const ssize_t n = recvmsg(fd, &message, MSG_DONTWAIT);
    if (n < 0 && (errno == EINTR || errno == ENETDOWN)) continue;  // told once, when the link goes down
    if (n < 0) return std::nullopt;
    const std::span<const std::uint8_t> bytes = buffer.first(static_cast<std::size_t>(n));
    if (family == base::Family::V4) return RawPacket{read_ipv4(bytes)};
    return RawPacket{read_ipv6(message, from, bytes)};
  }
}

}  // namespace lvsd::vrrp

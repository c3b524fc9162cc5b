#include "healthcheck/route_message.hpp"

#include <array>
#include <cstring>

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

namespace lvsd::healthcheck {
namespace {

base::IpAddress asked_for(const base::Prefix& prefix) {
  if (prefix.length == 0 && prefix.address.is_v4()) return base::IpAddress::v4(0xcb007101);  // 203.0.113.1
  auto bytes = prefix.address.bytes();
  if (prefix.length == 0) return base::IpAddress::v6({0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
  const std::size_t bits = prefix.address.size() * 8;
  for (std::size_t bit = prefix.length; bit < bits; ++bit)
    bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] & ~(0x80U >> (bit % 8)));
  // Not the network's own address, which is a broadcast address for the kernel.
  if (prefix.length + 1U < bits) bytes[bits / 8 - 1] |= 1;
  if (!prefix.address.is_v4()) return base::IpAddress::v6(bytes);
  std::uint32_t host_order = 0;
  for (std::size_t i = 0; i < 4; ++i) host_order = host_order << 8 | bytes[i];
  return base::IpAddress::v4(host_order);
}

template <class T>
void append(std::string& out, const T& value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

template <class T>
bool take(std::string_view from, std::size_t at, T& value) {
  if (from.size() < at + sizeof value) return false;
  std::memcpy(&value, from.data() + at, sizeof value);
  return true;
}

base::IpAddress address_of(std::string_view bytes, unsigned char family) {
  if (family == AF_INET) {
    std::uint32_t network_order = 0;
    std::memcpy(&network_order, bytes.data(), sizeof network_order);
    return base::IpAddress::v4(ntohl(network_order));
  }
  std::array<std::uint8_t, 16> all{};
  std::memcpy(all.data(), bytes.data(), all.size());
  return base::IpAddress::v6(all);
}

}  // namespace

std::string route_question(const base::Prefix& prefix) {
  const auto address = asked_for(prefix);
  nlmsghdr header{};
  header.nlmsg_type = RTM_GETROUTE;
  header.nlmsg_flags = NLM_F_REQUEST;
  rtmsg route{};
  route.rtm_family = address.is_v4() ? AF_INET : AF_INET6;
  route.rtm_dst_len = static_cast<unsigned char>(address.size() * 8);
  route.rtm_flags = RTM_F_FIB_MATCH;
  rtattr destination{};
  destination.rta_type = RTA_DST;
  destination.rta_len = static_cast<unsigned short>(RTA_LENGTH(address.size()));
  header.nlmsg_len = static_cast<std::uint32_t>(NLMSG_LENGTH(sizeof route) + destination.rta_len);
  std::string out;
  append(out, header);
  append(out, route);
  append(out, destination);
  out.append(reinterpret_cast<const char*>(address.data()), address.size());
  return out;
}

base::Result<base::Prefix> parse_route_answer(std::string_view answer) {
  nlmsghdr header{};
  if (!take(answer, 0, header) || header.nlmsg_len > answer.size()) return base::fail("an answer that was cut off");
  if (header.nlmsg_type == NLMSG_ERROR) {
    nlmsgerr error{};
    if (!take(answer, NLMSG_HDRLEN, error)) return base::fail("an answer that was cut off");
    return base::fail(std::strerror(-error.error));
  }
  rtmsg route{};
  if (header.nlmsg_type != RTM_NEWROUTE || !take(answer, NLMSG_HDRLEN, route)) return base::fail("no answer");
  if (route.rtm_type != RTN_UNICAST && route.rtm_type != RTN_LOCAL) return base::fail("a route that leads nowhere");
  const std::size_t size = route.rtm_family == AF_INET ? 4 : 16;
  base::Prefix entry;
  if (size == 16) entry.address = base::IpAddress::v6({});
  entry.length = route.rtm_dst_len;
  std::size_t at = NLMSG_HDRLEN + NLMSG_ALIGN(sizeof route);
  for (rtattr attribute{};
       at < header.nlmsg_len && take(answer, at, attribute) && attribute.rta_len >= sizeof attribute;
       at += RTA_ALIGN(attribute.rta_len)) {
    if (attribute.rta_type != RTA_DST || attribute.rta_len != RTA_LENGTH(size)) continue;
    if (at + RTA_LENGTH(size) > answer.size()) break;
    entry.address = address_of(answer.substr(at + RTA_LENGTH(0)), route.rtm_family);
  }
  return entry;
}

bool is_route_for(const base::Prefix& entry, const base::Prefix& prefix) {
  if (prefix.length == 0) return entry.length == 0;
  return entry.length >= prefix.length && prefix.contains(entry.address);
}

}  // namespace lvsd::healthcheck

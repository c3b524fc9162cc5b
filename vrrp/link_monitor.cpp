#include "vrrp/link_monitor.hpp"

#include <array>
#include <cstring>

#include <arpa/inet.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/route/rtnl.h>
#include <netlink/socket.h>

#include "base/log.hpp"
#include "base/time.hpp"

namespace lvsd::vrrp {
namespace {

constexpr auto kDumpInterval = std::chrono::seconds{30};
constexpr int kReceiveBuffer = 4 << 20;  // bytes; tens of thousands of notifications
constexpr int kDatagramsPerWakeup = 256;
constexpr int kDumpAttempts = 5;

struct CloseNetlink {
  void operator()(nl_sock* socket) const { nl_socket_free(socket); }
};
using NetlinkSocket = std::unique_ptr<nl_sock, CloseNetlink>;

struct Target {
  LinkTable* table;
  bool changed = false;
};

void take_link(Target& target, nlmsghdr* header) {
  nlattr* attributes[IFLA_MAX + 1];
  if (nlmsg_parse(header, sizeof(ifinfomsg), attributes, IFLA_MAX, nullptr) < 0) return;
  const auto* info = static_cast<const ifinfomsg*>(nlmsg_data(header));
  // A bridge announces its ports in the same words; "deleted" then means: no longer a port.
  if (info->ifi_family != AF_UNSPEC) return;
  if (header->nlmsg_type == RTM_DELLINK) {
    target.changed |= target.table->remove(info->ifi_index);
    return;
  }
  if (!attributes[IFLA_IFNAME]) return;
  Link link;
  link.index = info->ifi_index;
  link.name = nla_get_string(attributes[IFLA_IFNAME]);
  link.up = (info->ifi_flags & IFF_UP) != 0;
  link.running = (info->ifi_flags & IFF_RUNNING) != 0;
  link.arp = info->ifi_type == ARPHRD_ETHER && (info->ifi_flags & IFF_NOARP) == 0;
  if (attributes[IFLA_ADDRESS] && nla_len(attributes[IFLA_ADDRESS]) == static_cast<int>(link.mac.bytes.size())) {
    nla_memcpy(link.mac.bytes.data(), attributes[IFLA_ADDRESS], static_cast<int>(link.mac.bytes.size()));
  }
  if (attributes[IFLA_LINK]) link.below = static_cast<int>(nla_get_u32(attributes[IFLA_LINK]));
  if (attributes[IFLA_IFALIAS]) link.alias = nla_get_string(attributes[IFLA_IFALIAS]);
  target.changed |= target.table->put(std::move(link));
}

// IPv6 has no IFA_LOCAL unless the link is point to point.
std::optional<base::IpAddress> read_address(int family, nlattr* const* attributes) {
  const nlattr* attribute = attributes[IFA_LOCAL] ? attributes[IFA_LOCAL] : attributes[IFA_ADDRESS];
  if (!attribute) return std::nullopt;
  if (family == AF_INET && nla_len(attribute) == 4) return base::IpAddress::v4(ntohl(nla_get_u32(attribute)));
  if (family != AF_INET6 || nla_len(attribute) != 16) return std::nullopt;
  std::array<std::uint8_t, 16> bytes{};
  std::memcpy(bytes.data(), nla_data(attribute), bytes.size());
  return base::IpAddress::v6(bytes);
}

void take_address(Target& target, nlmsghdr* header) {
  nlattr* attributes[IFA_MAX + 1];
  if (nlmsg_parse(header, sizeof(ifaddrmsg), attributes, IFA_MAX, nullptr) < 0) return;
  const auto* info = static_cast<const ifaddrmsg*>(nlmsg_data(header));
  const auto told = read_address(info->ifa_family, attributes);
  if (!told) return;
  LinkAddress address;
  address.prefix.address = *told;
  address.prefix.length = info->ifa_prefixlen;
  const int index = static_cast<int>(info->ifa_index);
  if (header->nlmsg_type == RTM_DELADDR) {
    target.changed |= target.table->remove_address(index, address.prefix);
    return;
  }
  const std::uint32_t flags = attributes[IFA_FLAGS] ? nla_get_u32(attributes[IFA_FLAGS]) : info->ifa_flags;
  address.secondary = info->ifa_family == AF_INET && (flags & IFA_F_SECONDARY) != 0;
  address.usable =
      (flags & IFA_F_DADFAILED) == 0 && ((flags & IFA_F_TENTATIVE) == 0 || (flags & IFA_F_OPTIMISTIC) != 0);
  if ((flags & IFA_F_PERMANENT) == 0 && attributes[IFA_CACHEINFO]) {
    const auto* cache = static_cast<const ifa_cacheinfo*>(nla_data(attributes[IFA_CACHEINFO]));
    address.lease = std::chrono::seconds{cache->ifa_valid};
  }
  target.changed |= target.table->put_address(index, address);
}

int take_message(nl_msg* message, void* argument) {
  // Only the kernel may tell; another process can send to our port.
  if (const auto* sender = nlmsg_get_src(message); sender->nl_pid != 0) return NL_SKIP;
  auto& target = *static_cast<Target*>(argument);
  nlmsghdr* header = nlmsg_hdr(message);
  switch (header->nlmsg_type) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
      take_link(target, header);
      break;
    case RTM_NEWADDR:
    case RTM_DELADDR:
      take_address(target, header);
      break;
    default:
      break;
  }
  return NL_OK;
}

base::Result<NetlinkSocket> open_route_socket(Target& target) {
  NetlinkSocket socket{nl_socket_alloc()};
  if (!socket) return base::fail("netlink: out of memory");
  nl_socket_modify_cb(socket.get(), NL_CB_VALID, NL_CB_CUSTOM, take_message, &target);
  if (const int e = nl_connect(socket.get(), NETLINK_ROUTE); e < 0)
    return base::fail(std::string{"netlink: "} + nl_geterror(e));
  return socket;
}

// One kind of object, whole. An interrupted dump (something changed meanwhile) is repeated.
int dump(nl_sock* socket, int type, int family) {
  int result = 0;
  for (int attempt = 0; attempt < kDumpAttempts; ++attempt) {
    result = nl_rtgen_request(socket, type, family, NLM_F_DUMP);
    if (result >= 0) result = nl_recvmsgs_default(socket);
    if (result != -NLE_DUMP_INTR) break;
  }
  return result;
}

base::Result<LinkTable> dump_all() {
  LinkTable table;
  Target target{&table};
  auto socket = open_route_socket(target);
  if (!socket) return tl::unexpected{socket.error()};
  int result = dump(socket->get(), RTM_GETLINK, AF_UNSPEC);
  if (result >= 0) result = dump(socket->get(), RTM_GETADDR, AF_UNSPEC);
  if (result < 0) return base::fail(std::string{"read interfaces and addresses: "} + nl_geterror(result));
  return table;
}

}  // namespace

struct LinkMonitor::Impl {
  explicit Impl(boost::asio::io_context& loop) : descriptor{loop}, dump_timer{loop} {}
  ~Impl() {
    if (descriptor.is_open()) descriptor.release();  // the socket belongs to libnl
  }

  base::Result<void> start() {
    auto opened = open_route_socket(target);
    if (!opened) return tl::unexpected{opened.error()};
    socket = std::move(*opened);
    nl_socket_disable_seq_check(socket.get());
    nl_socket_set_nonblocking(socket.get());
    const int fd = nl_socket_get_fd(socket.get());
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer, sizeof kReceiveBuffer) != 0) {
      nl_socket_set_buffer_size(socket.get(), kReceiveBuffer, 0);
    }
    // Subscribed first, dumped then: what changes in between is told again, which does no harm.
    if (const int e = nl_socket_add_memberships(socket.get(), RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
                                                RTNLGRP_NONE);
        e < 0) {
      return base::fail(std::string{"netlink: subscribe: "} + nl_geterror(e));
    }
    auto dumped = dump_all();
    if (!dumped) return tl::unexpected{dumped.error()};
    table = std::move(*dumped);
    descriptor.assign(fd);
    wait();
    wait_for_dump();
    return {};
  }

  void wait() {
    descriptor.async_wait(descriptor.wait_read, [this](const boost::system::error_code& error) {
      if (error) return;
      read();
      wait();
    });
  }

  void wait_for_dump() {
    dump_timer.expires_after(kDumpInterval);
    dump_timer.async_wait([this](const boost::system::error_code& error) {
      if (error) return;
      resynchronise();
      wait_for_dump();
      if (on_change) on_change();
    });
  }

  void read() {
    bool drained = false;
    for (int i = 0; i < kDatagramsPerWakeup && !drained; ++i) {
      const int result = nl_recvmsgs_default(socket.get());
      if (result == -NLE_AGAIN) drained = true;
      if (result == -NLE_NOMEM) {  // ENOBUFS: the kernel had more to tell than fits
        ++overruns;
        base::log::warning("netlink", "notifications lost, reading all interfaces again ({} times so far)", overruns);
        resynchronise();
        target.changed = true;
      }
    }
    if (drained && std::exchange(target.changed, false) && on_change) on_change();
  }

  void resynchronise() {
    auto dumped = dump_all();
    if (!dumped) return base::log::error("netlink", "{}", dumped.error().text);
    table = std::move(*dumped);
  }

  boost::asio::posix::stream_descriptor descriptor;
  boost::asio::steady_timer dump_timer;
  LinkTable table;
  Target target{&table};
  NetlinkSocket socket;
  OnChange on_change;
  std::uint64_t overruns = 0;
};

LinkMonitor::LinkMonitor(boost::asio::io_context& loop) : impl_{std::make_unique<Impl>(loop)} {}
LinkMonitor::~LinkMonitor() = default;

base::Result<void> LinkMonitor::start(OnChange on_change) {
  impl_->on_change = std::move(on_change);
  return impl_->start();
}

void LinkMonitor::read_anew() {
  auto on_change = std::exchange(impl_->on_change, {});
  impl_->read();  // what is older than the dump must not come after it
  impl_->resynchronise();
  impl_->on_change = std::move(on_change);
  if (impl_->on_change) impl_->on_change();
}

void LinkMonitor::catch_up() {
  impl_->target.changed = true;
  impl_->read();
}

const LinkTable& LinkMonitor::table() const { return impl_->table; }
std::uint64_t LinkMonitor::overruns() const { return impl_->overruns; }

}  // namespace lvsd::vrrp

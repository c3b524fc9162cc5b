#include "ipvs/engine/neighbours.hpp"

#include <algorithm>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/route/neighbour.h>
#include <sys/socket.h>

#include "base/log.hpp"
#include "ipvs/engine/kernel_objects.hpp"

namespace lvsd::ipvs::engine {
namespace {

constexpr int kEventBuffer = 4 << 20;  // bytes; the kernel's default loses events at a few hundred in a burst
constexpr base::Duration kAnswerWait = std::chrono::milliseconds{200};

}  // namespace

struct Neighbours::Impl {
  Impl(boost::asio::io_context& loop, Receiver to)
      : receiver{std::move(to)}, readable{loop}, topology_timer{loop}, neighbour_timer{loop}, dump_timer{loop} {}
  ~Impl() { readable.release(); }

  base::Result<void> open();
  void wait();
  void read_events();
  void handle(nlmsghdr* header);
  void handle_neighbour(nlmsghdr* header);
  void lost_events();
  void topology_soon();
  void neighbours_soon(base::Duration delay);
  void read_topology();
  void read_neighbours();
  void dump_regularly();

  Receiver receiver;
  NlSocket events;
  NlSocket requests;
  NlSocket questions;  // apart from the dumps, so that a refusal is never taken for an answer to one
  boost::asio::posix::stream_descriptor readable;
  boost::asio::steady_timer topology_timer;
  boost::asio::steady_timer neighbour_timer;
  boost::asio::steady_timer dump_timer;
  bool topology_due = false;
  bool neighbours_due = false;
  base::Duration pause = kLeastPause;
};

base::Result<void> Neighbours::Impl::open() {
  auto opened = open_route_socket();
  if (!opened) return tl::unexpected{opened.error()};
  requests = std::move(*opened);

  opened = open_route_socket();
  if (!opened) return tl::unexpected{opened.error()};
  questions = std::move(*opened);
  nl_socket_disable_auto_ack(questions.get());
  nl_socket_set_nonblocking(questions.get());

  opened = open_route_socket();
  if (!opened) return tl::unexpected{opened.error()};
  events = std::move(*opened);
  nl_socket_disable_seq_check(events.get());
  nl_socket_set_nonblocking(events.get());
  // libnl's own call is bound by net.core.rmem_max.
  setsockopt(nl_socket_get_fd(events.get()), SOL_SOCKET, SO_RCVBUFFORCE, &kEventBuffer, sizeof kEventBuffer);
  nl_socket_modify_cb(
      events.get(), NL_CB_VALID, NL_CB_CUSTOM,
      [](nl_msg* message, void* self) {
        static_cast<Impl*>(self)->handle(nlmsg_hdr(message));
        return static_cast<int>(NL_OK);
      },
      this);
  const int error = nl_socket_add_memberships(events.get(), RTNLGRP_LINK, RTNLGRP_NEIGH, RTNLGRP_IPV4_IFADDR,
                                              RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV6_ROUTE, 0);
  if (error < 0) return base::fail(std::string{"follow netlink events: "} + nl_geterror(error));
  readable.assign(nl_socket_get_fd(events.get()));
  return {};
}

void Neighbours::Impl::wait() {
  readable.async_wait(boost::asio::posix::stream_descriptor::wait_read, [this](const boost::system::error_code& error) {
    if (error) return;
    read_events();
    wait();
  });
}

void Neighbours::Impl::read_events() {
  for (;;) {
    const int error = nl_recvmsgs_default(events.get());
    if (error == 0) continue;
    // libnl reports a receive buffer overrun (ENOBUFS) as NLE_NOMEM.
    if (error == -NLE_NOMEM) {
      lost_events();
      continue;
    }
    return;
  }
}

void Neighbours::Impl::lost_events() {
  base::log::warning("engine", "netlink events lost; reading the kernel's tables again");
  topology_soon();
  neighbours_soon(base::Duration::zero());
}

void Neighbours::Impl::handle(nlmsghdr* header) {
  switch (header->nlmsg_type) {
    case RTM_NEWNEIGH:
    case RTM_DELNEIGH:
      return handle_neighbour(header);
    case RTM_NEWLINK:
    case RTM_DELLINK:
    case RTM_NEWADDR:
    case RTM_DELADDR:
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
      return topology_soon();
    default:
      return;
  }
}

void Neighbours::Impl::handle_neighbour(nlmsghdr* header) {
  rtnl_neigh* object = nullptr;
  if (rtnl_neigh_parse(header, &object) < 0) return;
  const auto neighbour = to_neighbour(object);
  rtnl_neigh_put(object);
  if (!neighbour) return;
  if (header->nlmsg_type == RTM_DELNEIGH) return receiver.forgotten(neighbour->interface, neighbour->address);
  receiver.changed(*neighbour);
}

void Neighbours::Impl::topology_soon() {
  if (topology_due) return;
  topology_due = true;
  topology_timer.expires_after(pause);
  topology_timer.async_wait([this](const boost::system::error_code& error) {
    if (!error) read_topology();
  });
}

void Neighbours::Impl::neighbours_soon(base::Duration delay) {
  if (neighbours_due) return;
  neighbours_due = true;
  neighbour_timer.expires_after(delay);
  neighbour_timer.async_wait([this](const boost::system::error_code& error) {
    if (!error) read_neighbours();
  });
}

void Neighbours::Impl::read_topology() {
  const auto begin = base::Clock::now();
  topology_due = false;
  const auto links = dump_links(requests.get());
  const auto routes = dump_routes(requests.get());
  if (!links || !routes) {
    base::log::warning("engine", "{}", (!links ? links.error() : routes.error()).text);
    return topology_soon();
  }
  pause = std::max(kLeastPause, (base::Clock::now() - begin) * 5);
  receiver.topology(*links, *routes);
}

void Neighbours::Impl::read_neighbours() {
  neighbours_due = false;
  read_events();  // what is older than the dump must not be taken for newer
  const auto neighbours = dump_neighbours(requests.get());
  if (!neighbours) return base::log::warning("engine", "{}", neighbours.error().text);
  receiver.all_neighbours(*neighbours);
}

void Neighbours::Impl::dump_regularly() {
  dump_timer.expires_after(kDumpInterval);
  dump_timer.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    topology_soon();
    neighbours_soon(base::Duration::zero());
    dump_regularly();
  });
}

base::Result<std::unique_ptr<Neighbours>> Neighbours::start(boost::asio::io_context& loop, Receiver receiver) {
  auto impl = std::make_unique<Impl>(loop, std::move(receiver));
  if (auto opened = impl->open(); !opened) return tl::unexpected{opened.error()};
  impl->read_topology();
  impl->read_neighbours();
  impl->wait();
  impl->dump_regularly();
  return std::unique_ptr<Neighbours>{new Neighbours{std::move(impl)}};
}

Neighbours::Neighbours(std::unique_ptr<Impl> impl) : impl_{std::move(impl)} {}
Neighbours::~Neighbours() = default;

void Neighbours::ask(std::uint32_t interface, const base::IpAddress& address) {
  const int family = address.is_v4() ? AF_INET : AF_INET6;
  rtnl_neigh* neighbour = rtnl_neigh_alloc();
  nl_addr* destination = nl_addr_build(family, address.data(), address.size());
  rtnl_neigh_set_family(neighbour, family);
  rtnl_neigh_set_ifindex(neighbour, static_cast<int>(interface));
  rtnl_neigh_set_dst(neighbour, destination);
  rtnl_neigh_set_state(neighbour, NUD_NONE);
  rtnl_neigh_set_flags(neighbour, NTF_USE);
  nl_msg* message = nullptr;
  if (rtnl_neigh_build_add_request(neighbour, NLM_F_CREATE, &message) == 0) {
    nl_recvmsgs_default(impl_->questions.get());  // refusals of earlier questions
    nl_send_auto(impl_->questions.get(), message);
    nlmsg_free(message);
  }
  nl_addr_put(destination);
  rtnl_neigh_put(neighbour);
  impl_->neighbours_soon(kAnswerWait);
}

}  // namespace lvsd::ipvs::engine

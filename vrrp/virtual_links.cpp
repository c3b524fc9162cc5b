#include "vrrp/virtual_links.hpp"

#include <algorithm>
#include <fstream>
#include <map>

#include <fmt/format.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netlink/netlink.h>
#include <netlink/route/link.h>
#include <netlink/route/link/inet.h>
#include <netlink/route/link/inet6.h>
#include <netlink/route/link/macvlan.h>
#include <netlink/socket.h>

#include "base/log.hpp"

namespace lvsd::vrrp {
namespace {

// The words of the kernel's documentation of ip-sysctl.
constexpr std::uint32_t kAnswerForOwnAddresses = 1;  // arp_ignore: for those of the asked interface alone
constexpr std::uint32_t kAskWithOwnAddress = 2;      // arp_announce: never with that of another interface
constexpr std::uint32_t kLooseReversePath = 2;       // rp_filter: answers leave through the interface below
constexpr std::uint8_t kNoAddress = 1;               // IN6_ADDR_GEN_MODE_NONE: nothing is derived from the MAC (§7.4)

struct PutLink {
  void operator()(rtnl_link* link) const { rtnl_link_put(link); }
};
using NetLink = std::unique_ptr<rtnl_link, PutLink>;

base::Result<void> outcome(int result, std::string_view what) {
  if (result < 0) return base::fail(fmt::format("{}: {}", what, nl_geterror(result)));
  return {};
}

bool is_ours(const Link& link) { return link.alias == kVirtualLinkAlias; }

// Best effort: where /proc/sys cannot be written the kernel's defaults do, but for a router advertisement.
void write_ipv6_setting(const std::string& link, std::string_view name, std::string_view value) {
  std::ofstream{fmt::format("/proc/sys/net/ipv6/conf/{}/{}", link, name)} << value;
}

}  // namespace

std::string virtual_link_problem(const InstanceConfig& config, const LinkTable& links) {
  if (!config.virtual_mac) return {};
  const auto name = config.virtual_link();
  const Link* parent = links.find(config.interface);
  const Link* link = links.find(name);
  if (!link) return name + " is missing";
  if (!is_ours(*link)) return fmt::format("{} exists and was not made by lvsd", name);
  if (!parent || link->below != parent->index || link->mac != config.virtual_mac_address())
    return fmt::format("{} is not the link of virtual router {} on {}", name, config.virtual_router_id,
                       config.interface);
  return {};
}

struct VirtualLinks::Impl {
  struct Before {
    std::uint32_t arp_ignore = 0;
    std::uint32_t arp_announce = 0;
  };

  Impl() : socket{nl_socket_alloc()} {
    if (socket) error = nl_connect(socket, NETLINK_ROUTE);
  }
  ~Impl() { nl_socket_free(socket); }

  base::Result<void> change(int index, rtnl_link* wanted, std::string_view what) {
    const NetLink which{rtnl_link_alloc()};
    rtnl_link_set_ifindex(which.get(), index);
    return outcome(rtnl_link_change(socket, which.get(), wanted, 0), what);
  }

  base::Result<void> make(const InstanceConfig& config, const Link& parent) {
    const NetLink link{rtnl_link_macvlan_alloc()};
    const auto name = config.virtual_link();
    const auto mac = config.virtual_mac_address();
    nl_addr* address = nl_addr_build(AF_LLC, mac.bytes.data(), mac.bytes.size());
    rtnl_link_set_name(link.get(), name.c_str());
    rtnl_link_set_link(link.get(), parent.index);
    rtnl_link_set_addr(link.get(), address);
    nl_addr_put(address);
    // Others' frames from this address still reach the interface below, where a rival is heard.
    rtnl_link_macvlan_set_mode(link.get(), MACVLAN_MODE_BRIDGE);
    if (auto added = outcome(rtnl_link_add(socket, link.get(), NLM_F_CREATE | NLM_F_EXCL), "make " + name); !added)
      return added;
    const auto index = static_cast<int>(if_nametoindex(name.c_str()));
    const NetLink wanted{rtnl_link_alloc()};
    rtnl_link_set_ifalias(wanted.get(), std::string{kVirtualLinkAlias}.c_str());
    rtnl_link_inet_set_conf(wanted.get(), IPV4_DEVCONF_ARP_IGNORE, kAnswerForOwnAddresses);
    rtnl_link_inet_set_conf(wanted.get(), IPV4_DEVCONF_RP_FILTER, kLooseReversePath);
    rtnl_link_inet6_set_addr_gen_mode(wanted.get(), kNoAddress);
    write_ipv6_setting(name, "accept_ra", "0");
    if (config.family() == base::Family::V6) write_ipv6_setting(name, "disable_ipv6", "0");
    return change(index, wanted.get(), "set up " + name);
  }

  base::Result<void> remove(int index, const std::string& name) {
    const NetLink link{rtnl_link_alloc()};
    rtnl_link_set_ifindex(link.get(), index);
    return outcome(rtnl_link_delete(socket, link.get()), "remove " + name);
  }

  base::Result<void> set_arp(int index, std::uint32_t ignore, std::uint32_t announce) {
    const NetLink wanted{rtnl_link_alloc()};
    rtnl_link_inet_set_conf(wanted.get(), IPV4_DEVCONF_ARP_IGNORE, ignore);
    rtnl_link_inet_set_conf(wanted.get(), IPV4_DEVCONF_ARP_ANNOUNCE, announce);
    return change(index, wanted.get(), "arp_ignore, arp_announce");
  }

  // The interface would answer for the link's addresses with its own MAC address, and ask in their name.
  base::Result<void> quiet(const Link& parent) {
    if (quieted.contains(parent.index)) return {};
    rtnl_link* found = nullptr;
    if (auto got = outcome(rtnl_link_get_kernel(socket, parent.index, nullptr, &found), "read " + parent.name); !got)
      return got;
    const NetLink known{found};
    Before before;
    rtnl_link_inet_get_conf(known.get(), IPV4_DEVCONF_ARP_IGNORE, &before.arp_ignore);
    rtnl_link_inet_get_conf(known.get(), IPV4_DEVCONF_ARP_ANNOUNCE, &before.arp_announce);
    auto set = set_arp(parent.index, std::max(before.arp_ignore, kAnswerForOwnAddresses), kAskWithOwnAddress);
    if (set) quieted[parent.index] = before;
    return set;
  }

  base::Result<bool> prepare(const InstanceConfig& config, const LinkTable& links) {
    const Link* parent = links.find(config.interface);
    if (!config.virtual_mac || !parent) return false;
    if (error < 0) return base::fail(std::string{"netlink: "} + nl_geterror(error));
    if (const auto quieted_now = quiet(*parent); !quieted_now) return tl::unexpected{quieted_now.error()};
    if (virtual_link_problem(config, links).empty()) return false;
    const Link* present = links.find(config.virtual_link());
    if (present && !is_ours(*present)) return base::fail(virtual_link_problem(config, links));
    if (present) {
      if (const auto removed = remove(present->index, present->name); !removed) return tl::unexpected{removed.error()};
    }
    if (const auto made = make(config, *parent); !made) return tl::unexpected{made.error()};
    return true;
  }

  nl_sock* socket;
  int error = -NLE_NOMEM;
  std::map<int, Before> quieted;            // by interface
  std::map<std::string, std::string> told;  // by instance: what was logged
};

VirtualLinks::VirtualLinks() : impl_{std::make_unique<Impl>()} {}
VirtualLinks::~VirtualLinks() = default;

bool VirtualLinks::prepare(std::span<const InstanceConfig> instances, const LinkTable& links) {
  bool any = false;
  for (const auto& config : instances) {
    const auto made = impl_->prepare(config, links);
    any = any || (made && *made);
    const auto error = made ? std::string{} : made.error().text;
    auto& told = impl_->told[config.name];
    if (!error.empty() && error != told) base::log::error(config.name, "virtual_mac: {}", error);
    told = error;
  }
  return any;
}

base::Result<void> VirtualLinks::raise(const Link& link) {
  const NetLink wanted{rtnl_link_alloc()};
  rtnl_link_set_flags(wanted.get(), IFF_UP);
  return impl_->change(link.index, wanted.get(), "set up " + link.name);
}

base::Result<void> VirtualLinks::lower(const Link& link) {
  const NetLink wanted{rtnl_link_alloc()};
  rtnl_link_unset_flags(wanted.get(), IFF_UP);
  return impl_->change(link.index, wanted.get(), "set down " + link.name);
}

void VirtualLinks::keep_only(const std::vector<std::string>& names, const LinkTable& links) {
  std::vector<int> in_use;
  for (const auto& [index, link] : links.links()) {
    if (!is_ours(link)) continue;
    if (std::ranges::find(names, link.name) != names.end()) {
      in_use.push_back(link.below);
    } else if (const auto removed = impl_->remove(index, link.name); !removed) {
      base::log::warning("", "{}", removed.error().text);
    }
  }
  if (!names.empty() && in_use.empty()) return;  // just made, and not in the table yet
  std::erase_if(impl_->quieted, [&](const auto& entry) {
    if (std::ranges::find(in_use, entry.first) != in_use.end()) return false;
    static_cast<void>(impl_->set_arp(entry.first, entry.second.arp_ignore, entry.second.arp_announce));
    return true;
  });
}

}  // namespace lvsd::vrrp

#include "vrrp/virtual_addresses.hpp"

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>
#include <linux/if_addr.h>
#include <netinet/in.h>
#include <netlink/addr.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/socket.h>

namespace lvsd::vrrp {
namespace {

struct PutAddress {
  void operator()(rtnl_addr* address) const { rtnl_addr_put(address); }
};
using RouteAddress = std::unique_ptr<rtnl_addr, PutAddress>;

RouteAddress make_address(int link, const base::Prefix& prefix) {
  RouteAddress address{rtnl_addr_alloc()};
  nl_addr* local = nl_addr_build(AF_INET, prefix.address.data(), prefix.address.size());
  nl_addr_set_prefixlen(local, prefix.length);
  rtnl_addr_set_ifindex(address.get(), link);
  rtnl_addr_set_local(address.get(), local);
  nl_addr_put(local);
  return address;
}

std::string words(int netlink_error) { return nl_geterror(netlink_error); }

}  // namespace

struct AddressWriter::Impl {
  Impl() : socket{nl_socket_alloc()} {
    if (socket) error = nl_connect(socket, NETLINK_ROUTE);
  }
  ~Impl() { nl_socket_free(socket); }

  nl_sock* socket;
  int error = -NLE_NOMEM;
};

AddressWriter::AddressWriter() : impl_{std::make_unique<Impl>()} {}
AddressWriter::~AddressWriter() = default;

base::Result<void> AddressWriter::put(int link, const base::Prefix& prefix, std::chrono::seconds lease,
                                      bool without_prefix_route) {
  if (impl_->error < 0) return base::fail("netlink: " + words(impl_->error));
  const auto address = make_address(link, prefix);
  const auto seconds = static_cast<std::uint32_t>(lease.count());
  rtnl_addr_set_valid_lifetime(address.get(), seconds);
  rtnl_addr_set_preferred_lifetime(address.get(), seconds);
  if (without_prefix_route) rtnl_addr_set_flags(address.get(), IFA_F_NOPREFIXROUTE);
  const int result = rtnl_addr_add(impl_->socket, address.get(), NLM_F_CREATE | NLM_F_REPLACE);
  if (result < 0) return base::fail(fmt::format("add {}: {}", prefix.to_string(), words(result)));
  return {};
}

base::Result<void> AddressWriter::remove(int link, const base::Prefix& prefix) {
  if (impl_->error < 0) return base::fail("netlink: " + words(impl_->error));
  const int result = rtnl_addr_delete(impl_->socket, make_address(link, prefix).get(), 0);
  if (result < 0 && result != -NLE_NOADDR && result != -NLE_NODEV && result != -NLE_OBJ_NOTFOUND) {
    return base::fail(fmt::format("remove {}: {}", prefix.to_string(), words(result)));
  }
  return {};
}

base::Result<void> VirtualAddresses::hold(const Link& link, std::span<const base::Prefix> wanted,
                                          std::chrono::seconds lease) {
  if (link_ != link.index) held_.clear();  // the interface was made anew: nothing of ours is on it
  link_ = link.index;
  base::Result<void> outcome;
  for (const auto& prefix : wanted) {
    const LinkAddress* present = link.find(prefix);
    if (present && !held_.contains(prefix) && !is_our_lease(*present, lease)) continue;
    const auto put = kernel_.put(link.index, prefix, lease, prefix_is_shared(link, prefix));
    if (put) held_.insert(prefix);
    if (!put && outcome) outcome = put;
  }
  return outcome;
}

void VirtualAddresses::release(const Link* link, std::span<const base::Prefix> wanted, std::chrono::seconds lease) {
  if (link) {
    if (link_ != link->index) held_.clear();
    link_ = link->index;
    for (const auto& prefix : wanted) {
      const LinkAddress* present = link->find(prefix);
      if (present && is_our_lease(*present, lease)) held_.insert(prefix);
    }
    for (const auto& prefix : held_) static_cast<void>(kernel_.remove(link->index, prefix));  // else the lease ends it
  }
  held_.clear();
}

void VirtualAddresses::release_unwanted(const Link& link, std::span<const base::Prefix> wanted) {
  if (link_ != link.index) return held_.clear();
  std::erase_if(held_, [&](const base::Prefix& prefix) {
    if (std::ranges::find(wanted, prefix) != wanted.end()) return false;
    static_cast<void>(kernel_.remove(link.index, prefix));
    return true;
  });
}

std::vector<base::Prefix> VirtualAddresses::missing(const Link& link) const {
  std::vector<base::Prefix> result;
  if (link_ != link.index) return result;
  std::ranges::copy_if(held_, std::back_inserter(result), [&](const auto& prefix) { return !link.find(prefix); });
  return result;
}

std::vector<base::Prefix> VirtualAddresses::foreign(const Link& link, std::span<const base::Prefix> wanted,
                                                    std::chrono::seconds lease) const {
  std::vector<base::Prefix> result;
  for (const auto& prefix : wanted) {
    const LinkAddress* present = link.find(prefix);
    if (present && !held_.contains(prefix) && !is_our_lease(*present, lease)) result.push_back(prefix);
  }
  return result;
}

}  // namespace lvsd::vrrp

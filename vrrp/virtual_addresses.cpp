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
  const int family = prefix.address.is_v4() ? AF_INET : AF_INET6;
  nl_addr* local = nl_addr_build(family, prefix.address.data(), prefix.address.size());
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

base::Result<void> AddressWriter::put(int link, const VirtualAddress& wanted, std::chrono::seconds lease,
                                      bool without_prefix_route) {
  if (impl_->error < 0) return base::fail("netlink: " + words(impl_->error));
  const auto address = make_address(link, wanted.prefix);
  const bool ipv4 = wanted.prefix.address.is_v4();
  const auto seconds = static_cast<std::uint32_t>(lease.count());
  rtnl_addr_set_valid_lifetime(address.get(), seconds);
  // Not preferred: the kernel does not choose it as the source of the director's own connections (RFC 6724, rule 3).
  rtnl_addr_set_preferred_lifetime(address.get(), ipv4 ? seconds : 0);
  unsigned flags = without_prefix_route ? IFA_F_NOPREFIXROUTE : 0;
  if (!ipv4) flags |= IFA_F_NODAD;  // it must work at once, and the old master may still have it
  if (flags != 0) rtnl_addr_set_flags(address.get(), flags);
  if (ipv4 && wanted.scope != 0) rtnl_addr_set_scope(address.get(), wanted.scope);
  if (ipv4 && !wanted.label.empty()) rtnl_addr_set_label(address.get(), wanted.label.c_str());
  const int result = rtnl_addr_add(impl_->socket, address.get(), NLM_F_CREATE | NLM_F_REPLACE);
  if (result < 0) return base::fail(fmt::format("add {}: {}", wanted.prefix.to_string(), words(result)));
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

base::Result<void> VirtualAddresses::hold(const Link& link, std::span<const VirtualAddress> wanted,
                                          std::chrono::seconds lease) {
  if (link_ != link.index) forget();  // the interface was made anew: nothing of ours is on it
  link_ = link.index;
  base::Result<void> outcome;
  for (const auto& address : wanted) {
    const auto& prefix = address.prefix;
    const LinkAddress* present = link.find(prefix);
    if (present && !held_.contains(prefix) && !is_our_lease(*present, lease)) continue;
    const auto put = kernel_.put(link.index, address, lease, !address.prefix_route || prefix_is_shared(link, prefix));
    if (put) held_.insert(prefix);
    if (!put && outcome) outcome = put;
  }
  return outcome;
}

void VirtualAddresses::forget() {
  held_.clear();
  seen_.clear();
}

void VirtualAddresses::release(const Link* link, std::span<const VirtualAddress> wanted, std::chrono::seconds lease) {
  if (link) {
    if (link_ != link->index) forget();
    link_ = link->index;
    for (const auto& address : wanted) {
      const LinkAddress* present = link->find(address.prefix);
      if (present && is_our_lease(*present, lease)) held_.insert(address.prefix);
    }
    for (const auto& prefix : held_) static_cast<void>(kernel_.remove(link->index, prefix));  // else the lease ends it
  }
  forget();
}

void VirtualAddresses::release_unwanted(const Link& link, std::span<const VirtualAddress> wanted) {
  if (link_ != link.index) return forget();
  std::erase_if(held_, [&](const base::Prefix& prefix) {
    if (std::ranges::find(wanted, prefix, &VirtualAddress::prefix) != wanted.end()) return false;
    static_cast<void>(kernel_.remove(link.index, prefix));
    seen_.erase(prefix);
    return true;
  });
}

std::vector<base::Prefix> VirtualAddresses::missing(const Link& link) {
  std::vector<base::Prefix> result;
  if (link_ != link.index) return result;
  for (const auto& prefix : held_) {
    if (link.find(prefix)) {
      seen_.insert(prefix);
    } else if (seen_.erase(prefix) != 0) {
      result.push_back(prefix);
    }
  }
  return result;
}

std::vector<base::Prefix> VirtualAddresses::foreign(const Link& link, std::span<const VirtualAddress> wanted,
                                                    std::chrono::seconds lease) const {
  std::vector<base::Prefix> result;
  for (const auto& address : wanted) {
    const LinkAddress* present = link.find(address.prefix);
    if (present && !held_.contains(address.prefix) && !is_our_lease(*present, lease)) result.push_back(address.prefix);
  }
  return result;
}

}  // namespace lvsd::vrrp

// The VIPs of one instance on one interface: added as a lease, refreshed with every advertisement, put back when
// somebody else removes them, removed when we cease to be master. Never touches an address it did not add.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "vrrp/config.hpp"
#include "vrrp/link_table.hpp"

namespace lvsd::vrrp {

// The two requests to the kernel. One socket for the whole room.
class AddressWriter {
 public:
  AddressWriter();
  ~AddressWriter();
  AddressWriter(const AddressWriter&) = delete;
  AddressWriter& operator=(const AddressWriter&) = delete;

  // Adds the address or starts its lifetime anew.
  base::Result<void> put(int link, const VirtualAddress& address, std::chrono::seconds lease,
                         bool without_prefix_route);
  // Success also when it was not there.
  base::Result<void> remove(int link, const base::Prefix& address);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

class VirtualAddresses {
 public:
  explicit VirtualAddresses(AddressWriter& kernel) : kernel_{kernel} {}

  // Every wanted address is there for another lease. Foreign ones (there without us) are left alone. The first failure
  // is returned; the rest is done all the same.
  base::Result<void> hold(const Link& link, std::span<const VirtualAddress> wanted, std::chrono::seconds lease);

  // Removes what we hold, and those of `wanted` that an earlier life of ours has left.
  void release(const Link* link, std::span<const VirtualAddress> wanted, std::chrono::seconds lease);

  // Removes what we hold and is no longer wanted.
  void release_unwanted(const Link& link, std::span<const VirtualAddress> wanted);

  // Held and seen on the link before, but not there any more: somebody else removed them. The kernel tells of an IPv6
  // address some time after it was added.
  std::vector<base::Prefix> missing(const Link& link);

  // Wanted, but there by someone else's hand.
  std::vector<base::Prefix> foreign(const Link& link, std::span<const VirtualAddress> wanted,
                                    std::chrono::seconds lease) const;

  // What we hold is on this very link, not on one of that name that is gone.
  bool on(const Link& link) const { return link_ == link.index; }

 private:
  void forget();

  AddressWriter& kernel_;
  int link_ = 0;  // index of the link that held_ is about
  std::set<base::Prefix> held_;
  std::set<base::Prefix> seen_;  // of held_: since they were put there last
};

}  // namespace lvsd::vrrp

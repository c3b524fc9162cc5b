// What the kernel says about interfaces and their addresses, as values, and what that means for VRRP. Pure; filled
// by the link monitor, read by the instances.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/time.hpp"

namespace lvsd::vrrp {

struct LinkAddress {
  base::Prefix prefix;
  bool secondary = false;
  std::optional<std::chrono::seconds> lease;  // lifetime when last told; empty: permanent
  bool usable = true;                         // false: IPv6, the kernel still looks whether it is taken, or found it so

  friend bool operator==(const LinkAddress&, const LinkAddress&) = default;
};

struct Link {
  int index = 0;
  std::string name;
  bool up = false;       // by the administrator
  bool running = false;  // carrier, and ready to send
  bool arp = false;      // an Ethernet-like link whose neighbours resolve addresses
  base::MacAddress mac;
  int below = 0;                       // the link that this one stands on; 0: none
  std::string alias{};                 // a comment, by which we know links of ours
  std::vector<LinkAddress> addresses;  // the kernel's order

  const LinkAddress* find(const base::Prefix& prefix) const;
  bool has(const base::IpAddress& address) const;  // with whatever length, and usable
};

class LinkTable {
 public:
  // All return whether something changed. put() keeps the addresses of a known index.
  bool put(Link link);
  bool remove(int index);
  bool put_address(int index, const LinkAddress& address);
  bool remove_address(int index, const base::Prefix& prefix);

  const Link* find(const std::string& name) const;
  const Link* find(int index) const;
  const std::map<int, Link>& links() const { return links_; }

 private:
  std::map<int, Link> links_;
};

// The source of our advertisements: with IPv4 the first address that is none of `virtual_addresses`, a primary one
// before a secondary one (RFC 9568 §5.1.1.1); with IPv6 the first link-local one (§5.1.2.1).
std::optional<base::IpAddress> primary_address(const Link& link, base::Family family,
                                               std::span<const base::IpAddress> virtual_addresses);

// Why nothing can be sent through `interface`; empty when it can, given a source address.
std::string problem(const Link* link, const std::string& interface);

// Another address already brings the route to this prefix, so that ours must not (and must not take it away when it
// goes).
bool prefix_is_shared(const Link& link, const base::Prefix& prefix);

// An address of an earlier life of ours: what we add always has a lifetime, and never a longer one than `lease`.
bool is_our_lease(const LinkAddress& address, std::chrono::seconds lease);

// Every wanted address is still ours by a lease that was refreshed, so an advert that was sent, less than `age` ago.
// The kernel tells whole seconds; in doubt the answer is no.
bool leases_are_younger(const Link& link, std::span<const base::Prefix> wanted, std::chrono::seconds lease,
                        base::Duration age);

}  // namespace lvsd::vrrp

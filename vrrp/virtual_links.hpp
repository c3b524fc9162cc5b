// The links of virtual routers with a MAC address of their own (RFC 9568 §7.3): a macvlan each, on the instance's
// interface. It is up while the instance is master only, so that a backup sends no frame with that address and takes
// none for it. One for the whole room; known by its alias, others of that name are left alone.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "vrrp/config.hpp"
#include "vrrp/link_table.hpp"

namespace lvsd::vrrp {

inline constexpr std::string_view kVirtualLinkAlias = "lvsd virtual router";

// Why the link of this instance cannot be used now; empty: it can, or the instance needs none.
std::string virtual_link_problem(const InstanceConfig& config, const LinkTable& links);

class VirtualLinks {
 public:
  VirtualLinks();
  ~VirtualLinks();
  VirtualLinks(const VirtualLinks&) = delete;
  VirtualLinks& operator=(const VirtualLinks&) = delete;

  // Makes what is missing, down, and keeps the interfaces below from speaking for the links' addresses. True when a
  // link was made: the table does not know it yet. What cannot be made is logged once.
  bool prepare(std::span<const InstanceConfig> instances, const LinkTable& links);

  base::Result<void> raise(const Link& link);
  base::Result<void> lower(const Link& link);

  // Removes those of ours whose name is not among these, and lets interfaces be that have none any more.
  void keep_only(const std::vector<std::string>& names, const LinkTable& links);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lvsd::vrrp

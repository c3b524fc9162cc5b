// Accept_Mode (RFC 9568 §6.1): packets to the virtual addresses of instances with `accept = no` are dropped before they
// reach the director's own programs. The forwarding engine sees them earlier and is not concerned. Owned by the room.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "vrrp/config.hpp"

namespace lvsd::vrrp {

// In nftables' words, the whole of our table; empty when every instance accepts. Pure. An owner always accepts
// (§6.4.3), and neighbour discovery is never dropped (§6.1). The role does not matter: a backup does not have the
// addresses.
std::string accept_rules(const std::vector<InstanceConfig>& instances);

class AcceptFilter {
 public:
  AcceptFilter();
  ~AcceptFilter();  // removes what it has put in force
  AcceptFilter(const AcceptFilter&) = delete;
  AcceptFilter& operator=(const AcceptFilter&) = delete;

  // Replaces the table in one step. What an earlier life of ours has left is removed too.
  base::Result<void> apply(const std::string& rules);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lvsd::vrrp

// An nftables table of lvsd's own in this network namespace: made, repaired and removed as a whole; all other tables
// stay untouched. Used by vrrp (accept = no), by the kernel backend (firewall marks) and, to read, by lvsctl doctor.
// The only place that speaks to libnftables.
#pragma once

#include <string>

#include "base/result.hpp"

namespace lvsd::base {

class NftTable {
 public:
  // In nft's words, with the family: "inet lvsd_marks". What an earlier life has left under this name counts as ours.
  explicit NftTable(std::string name) : name_{std::move(name)} {}

  // Puts the table into force when it differs from what is there, at once and whole; an empty text removes it. Returns
  // whether anything was written. Blocks for the exchange with the kernel, about a millisecond.
  Result<bool> put_in_force(const std::string& table);

 private:
  std::string name_;
  std::string in_force_;  // as it was wanted, and
  std::string listed_;    // as nftables lists it since then
};

// All rules of this network namespace, in nft's words. Needs CAP_NET_ADMIN.
Result<std::string> firewall_rules();

}  // namespace lvsd::base

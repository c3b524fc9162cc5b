// The nftables table with lvsd's firewall marks in this network namespace: made, repaired and removed; all other tables
// stay untouched. Used by kernel_backend.
#pragma once

#include <string>

#include "base/result.hpp"

namespace lvsd::ipvs::kernel {

class MarkTable {
 public:
  // Puts the table (marks.hpp) into force when it differs from what is there, at once and whole; an empty text removes
  // it. Returns whether anything was written.
  base::Result<bool> put_in_force(const std::string& table);

 private:
  base::Result<std::string> run(const std::string& commands);

  std::string in_force_;  // as it was wanted, and
  std::string listed_;    // as nftables lists it since then
};

}  // namespace lvsd::ipvs::kernel

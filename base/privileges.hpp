// What a process may do, stated once at its start and then enforced by the kernel. Used by every process right after
// exec.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"

namespace lvsd::base {

struct Privileges {
  std::vector<std::string> capabilities;  // "net_admin", "net_raw", …: kept; every other one leaves all sets
  std::string user;  // empty: stay who we are; else become this user, or nobody where it does not exist
};

// Applies them and sets no-new-privileges. Started without root, capabilities that are not there are an error, and the
// user stays. Call before any thread is started.
Result<void> confine(const Privileges& privileges);

// The parent's death ends this process, also when the parent was killed. Fails when the parent is gone already.
Result<void> die_with_parent(int expected_parent);

}  // namespace lvsd::base

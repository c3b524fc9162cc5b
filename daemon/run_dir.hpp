// The directory of the control sockets, claimed by one lvsd at a time.
#pragma once

#include <string>

#include <sys/types.h>

#include "base/fd.hpp"
#include "base/result.hpp"

namespace lvsd::daemon {

// Creates the directory (0750, group lvsd where there is one) when it is missing and locks it. The lock is the
// descriptor.
base::Result<base::UniqueFd> claim_run_dir(const std::string& path);

gid_t group_or_root(const char* name);

}  // namespace lvsd::daemon

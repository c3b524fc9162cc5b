// Whether a program may be run: only root may be able to change it or what its path means. Used by the launcher before
// each run, and by `lvsd --check` and a load of the configuration for a word about it.
#pragma once

#include <string>

#include "base/result.hpp"

namespace lvsd::daemon::scripts {

// The path with its symbolic links resolved. Each directory and link on the way and the file itself is opened and
// looked at: owned by root (or by us, where we are not root), writable by nobody else; the file is a regular one and
// executable. Fails with the part that is wrong and what to do about it: "/opt/x is writable by its group: chmod g-w
// /opt/x".
base::Result<std::string> trusted_program(const std::string& path);

}  // namespace lvsd::daemon::scripts

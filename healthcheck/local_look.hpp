// Looks at this host instead of a server: a running process, a route. Each takes microseconds to a few
// milliseconds and needs no privilege. Used by the local checker for tracks.
#pragma once

#include <string>

#include "base/address.hpp"
#include "healthcheck/result.hpp"

namespace lvsd::healthcheck {

// Good while a process of this name (comm, or the file name of its first argument) runs and is no zombie.
CheckResult look_for_process(const std::string& name);

// Good while packets to the prefix's first address would be routed by this prefix or a part of it; for 0.0.0.0/0 and
// ::/0 by a default route. A lookup of the kernel's, whatever the number of routes.
CheckResult look_for_route(const base::Prefix& prefix);

}  // namespace lvsd::healthcheck

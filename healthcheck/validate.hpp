// The room's own look at a configuration before it replaces the one in force: what the code here relies on. The
// daemon's parser refuses the same things with better words; this is the wall behind it. Pure. Used by room.
#pragma once

#include "base/result.hpp"
#include "healthcheck/config.hpp"

namespace lvsd::healthcheck {

base::Result<void> validate(const Config& config);

}  // namespace lvsd::healthcheck

// `lvsd: scripts`, the process that runs programs for the others: it does what the control process says, which takes it
// from the configuration alone. It keeps what it takes to become other users and nothing else. Called by daemon/main.
#pragma once

#include "base/fd.hpp"
#include "base/privileges.hpp"

namespace lvsd::daemon::scripts {

inline constexpr std::size_t kAtOnce = 64;     // programs; the others wait
inline constexpr std::size_t kWaiting = 8192;  // then: busy

base::Privileges privileges();

// Runs until Stop (returns 0) or until the control process' end closes (returns 1). Kills what still runs.
int run(base::UniqueFd channel);

}  // namespace lvsd::daemon::scripts

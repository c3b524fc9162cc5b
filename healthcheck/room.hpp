// The healthcheck room as a process: asks the real servers and reports verdicts. Called by daemon/main for `lvsd:
// healthcheck`.
#pragma once

#include <functional>

#include "base/fd.hpp"
#include "base/privileges.hpp"
#include "base/result.hpp"
#include "healthcheck/config.hpp"

namespace lvsd::healthcheck {

// Reads the sealed configuration that a Configure message brings.
using Parse = std::function<base::Result<Config>(int config_fd)>;

base::Privileges privileges();  // none, and a user of its own

// Runs until Stop (returns 0) or until the supervisor's end closes (returns 1).
int run(base::UniqueFd channel, Parse parse);

}  // namespace lvsd::healthcheck

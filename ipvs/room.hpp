// The ipvs room as a process: desired table → diff → backend. Called by daemon/main for `lvsd: ipvs`.
#pragma once

#include <functional>

#include "base/fd.hpp"
#include "base/privileges.hpp"
#include "base/result.hpp"
#include "ipvs/config.hpp"

namespace lvsd::ipvs {

// Reads the sealed configuration that a Configure message brings.
using Parse = std::function<base::Result<Config>(int config_fd)>;

base::Privileges privileges();  // what this room keeps

// Runs until Stop (returns 0) or until the supervisor's end closes (returns 1). The engine's table and its attachment
// to the interfaces are handed to the supervisor by Keep, and taken up again by the next incarnation.
int run(base::UniqueFd channel, Parse parse);

}  // namespace lvsd::ipvs

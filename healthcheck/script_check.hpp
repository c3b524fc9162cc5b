// A script check as values: what is run for a target, and what its end means. Pure. Used by script_checker and, for the
// list of what may be run, by daemon/config.
#pragma once

#include <string>
#include <vector>

#include "base/script.hpp"
#include "healthcheck/config.hpp"
#include "healthcheck/result.hpp"

namespace lvsd::healthcheck {

// The name under which the configuration has a target's script: "check ID".
std::string script_name(const Target& target);

// {address} and {port} in the arguments replaced by the server's.
base::ScriptCommand script_command(const Target& target);

// LVSD_CHECK, LVSD_ADDRESS, LVSD_PORT.
std::vector<std::string> script_environment(const Target& target);

// Exit code 0 passes. With weight_from_exit, as keepalived's misc_dynamic: 2..255 pass and set the weight to code - 2.
CheckResult judge(const base::ScriptEnded& ended, const CheckConfig& check);

}  // namespace lvsd::healthcheck

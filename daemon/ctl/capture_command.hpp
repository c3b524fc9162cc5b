// lvsctl capture: fetches what the engine sees, a few times a second, and prints it or writes it to a file. Used by
// answer.cpp.
#pragma once

#include "daemon/ctl/answer.hpp"
#include "daemon/ctl/asking.hpp"

namespace lvsd::ctl {

Answered capture(const Invocation& invocation, const Asking& ask, const Surroundings& surroundings);

}  // namespace lvsd::ctl

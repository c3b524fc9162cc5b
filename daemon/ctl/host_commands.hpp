// `lvsctl doctor` and `lvsctl real-server-setup`: what hosts need. Used by answer.cpp.
#pragma once

#include "daemon/ctl/answer.hpp"
#include "daemon/ctl/asking.hpp"

namespace lvsd::ctl {

// Ends with 0 when all is well, 1 with warnings, 2 with failures.
Answered doctor(const Invocation& invocation, const View& view, const Asking& ask, const Surroundings& surroundings);

Answered real_server_setup(const Invocation& invocation, const Asking& ask);

}  // namespace lvsd::ctl

// `lvsctl events`: what happened, and with --follow what happens. Used by answer.cpp.
#pragma once

#include "daemon/ctl/answer.hpp"
#include "daemon/ctl/asking.hpp"

namespace lvsd::ctl {

Answered events(const Invocation& invocation, const View& view, const Asking& ask, const Surroundings& surroundings);

}  // namespace lvsd::ctl

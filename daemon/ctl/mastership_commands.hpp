// failover and maintenance. Used by answer.cpp.
#pragma once

#include "daemon/ctl/answer.hpp"
#include "daemon/ctl/asking.hpp"

namespace lvsd::ctl {

// Ends with 0 when every instance that was master here has another master now, with 1 when one found none.
Answered fail_over(const Invocation& invocation, const View& view, const Asking& ask);

Answered maintenance(const Invocation& invocation, const View& view, const Asking& ask);

}  // namespace lvsd::ctl

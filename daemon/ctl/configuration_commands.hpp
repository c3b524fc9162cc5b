// reload and the commands of `lvsctl config`: the only ones that read files. Used by answer.cpp.
#pragma once

#include "daemon/ctl/answer.hpp"
#include "daemon/ctl/asking.hpp"

namespace lvsd::ctl {

Answered reload(const Invocation& invocation, const View& view, const Asking& ask);
Answered config_check(const Invocation& invocation, const View& view);
Answered config_show(const Invocation& invocation, const View& view, const Asking& ask);

// Every failure is 2 or more, as with diff(1).
Answered config_diff(const Invocation& invocation, const View& view, const Asking& ask);

}  // namespace lvsd::ctl

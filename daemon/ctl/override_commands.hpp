// drain, undrain, disable, enable, weight and overrides. Used by answer.cpp.
#pragma once

#include "daemon/ctl/answer.hpp"
#include "daemon/ctl/asking.hpp"

namespace lvsd::ctl {

// With --wait the changes and the progress are written as they come; what remains to be said is the answer.
Answered override_servers(const Invocation& invocation, const View& view, const Asking& ask,
                          const Surroundings& surroundings);
Answered overrides(const Invocation& invocation, const View& view, const Asking& ask);

}  // namespace lvsd::ctl

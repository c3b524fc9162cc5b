// reload and the commands of `lvsctl config`: the only ones that read files. Used by answer.cpp.
#pragma once

#include "daemon/ctl/answer.hpp"
#include "daemon/ctl/asking.hpp"

namespace lvsd::ctl {

Answered reload(const Invocation& invocation, const View& view, const Asking& ask);
// The file is read as the node of --node; else of the running daemon, if it answers; else of this host; else, where the
// file has no such node, as its first one, with a note.
Answered config_check(const Invocation& invocation, const View& view, const Asking& ask);
Answered config_show(const Invocation& invocation, const View& view, const Asking& ask);

// Every failure is 2 or more, as with diff(1).
Answered config_diff(const Invocation& invocation, const View& view, const Asking& ask);

}  // namespace lvsd::ctl

// Who a user id is, for the log and for what an operator did. Used by Supervisor.
#pragma once

#include <string>

#include <sys/types.h>

namespace lvsd::daemon {

// From /etc/passwd alone: a directory service must not hold up the loop. Others are "uid 1001".
std::string user_name(uid_t uid, const char* passwd = "/etc/passwd");

}  // namespace lvsd::daemon

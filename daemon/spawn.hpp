// Starts this very program again as a room: fork and exec of /proc/self/exe, the channel as descriptor 3, nothing else
// open.
#pragma once

#include <sys/types.h>

#include "base/fd.hpp"
#include "base/result.hpp"
#include "daemon/rooms.hpp"

namespace lvsd::daemon {

inline constexpr int kChannelFd = 3;

struct Child {
  pid_t pid = -1;
  base::UniqueFd pidfd;
};

base::Result<Child> spawn_room(Room room, int channel);

}  // namespace lvsd::daemon

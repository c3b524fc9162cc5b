// Which system calls a process may make, told to the kernel once (seccomp). Called by a room before it reads a byte
// that others wrote.
#pragma once

#include <span>
#include <string_view>

#include "base/result.hpp"

namespace lvsd::base {

// `any`: with any arguments. Files may be opened for reading, and sockets of IP, UNIX and no other families be made,
// where `reads_files` and `makes_sockets` say so. Everything else fails with EPERM, or kills the process where the
// environment has LVSD_SECCOMP=kill, so that tests find what the list lacks. Holds for all threads, needs
// no-new-privileges (see privileges.hpp). Does nothing in builds with a sanitizer, which makes calls of its own.
struct SystemCalls {
  std::span<const std::string_view> any;
  bool reads_files = false;
  bool makes_sockets = false;
};
Result<void> allow_only(const SystemCalls& calls);

}  // namespace lvsd::base

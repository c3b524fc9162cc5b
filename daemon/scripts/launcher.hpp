// Starts one program as a user of its own: no shell, no capabilities, no inherited descriptors, its own session and
// process group, nothing in its environment but what is given. Used by runner.
#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

#include "base/fd.hpp"
#include "base/result.hpp"

namespace lvsd::daemon::scripts {

struct Identity {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;
};

// By the system's user database, which may take its time: the control process must not ask it. Without root everything
// runs as who we are. "": lvsd-script, or nobody where it does not exist.
base::Result<Identity> identity_of(const std::string& user);

struct Program {
  std::string path;  // of trusted_program()
  std::vector<std::string> arguments;
  std::vector<std::string> environment;
  Identity identity;
};

struct Launched {
  pid_t pid = -1;  // of the process group too
  base::UniqueFd pidfd;
  base::UniqueFd output;   // standard output and error; non-blocking
  base::UniqueFd failure;  // an int, errno, where the program could not be executed; else empty
};

base::Result<Launched> launch(Program program);

}  // namespace lvsd::daemon::scripts

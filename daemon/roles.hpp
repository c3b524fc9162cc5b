// What main gives the program: per room what it may do and how it runs. Tests give their own.
#pragma once

#include <functional>
#include <string>

#include "base/fd.hpp"
#include "base/privileges.hpp"
#include "daemon/rooms.hpp"

namespace lvsd::daemon {

struct Role {
  base::Privileges privileges;
  std::function<int(base::UniqueFd channel)> run;
};
using Roles = PerRoom<Role>;

// The whole program: options, then --help, --version, --check, a room, or the control process. Returns the exit code.
int run_program(int argc, char** argv, const Roles& roles);

}  // namespace lvsd::daemon

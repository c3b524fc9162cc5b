// Where lvsctl gets a configuration from: a file, or the running daemon. Used by the commands that need one.
#pragma once

#include <string>

#include "daemon/config/load.hpp"
#include "daemon/ctl/answer.hpp"
#include "daemon/ctl/asking.hpp"

namespace lvsd::ctl {

struct Loaded {
  daemon::Sources sources;
  daemon::Outcome outcome;
  std::string note;  // as which node, when nothing said so
};

// Reads a file as the node of --node; else of the running daemon (`running`, "" when it does not answer); else of this
// host; else, where the file has no such node, as its first one.
Loaded load_file(const std::string& path, const Invocation& invocation, const std::string& running);

// "" when no daemon answers.
std::string running_node(const Asking& ask);

// The running daemon's configuration, understood.
struct InForce {
  RunningConfig running;
  daemon::Config config;
};
base::Result<InForce, Failure> in_force(const Asking& ask);

// That of --config; without it the running daemon's; and where none runs /etc/lvsd.conf.
base::Result<daemon::Config, Failure> given_or_in_force(const Invocation& invocation, const Asking& ask);

std::string rendered(const Loaded& loaded);  // its diagnostics
Failure invalid(const Loaded& loaded, const std::string& path);
std::string with_newline(std::string text);

}  // namespace lvsd::ctl

// One command carried out once: what goes to stdout and stderr and the exit code. Used by run.cpp.
#pragma once

#include <string>

#include "base/result.hpp"
#include "daemon/ctl/command_line.hpp"
#include "daemon/ctl/replies.hpp"
#include "daemon/ctl/run.hpp"
#include "daemon/ctl/view.hpp"

namespace lvsd::ctl {

struct Answer {
  std::string data;
  std::string notes;  // left out with --quiet
  int code = kOk;
};

struct Failure {
  int code = kFailed;
  ApiError error;
  std::string details;  // printed before the error: rendered diagnostics
};

using Answered = base::Result<Answer, Failure>;

Answered answer(const Invocation& invocation, const View& view, const Surroundings& surroundings);

}  // namespace lvsd::ctl

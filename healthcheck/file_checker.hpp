// Reads a file and lets file_check judge it. A missing one is empty. Started by Checkers.
#pragma once

#include "healthcheck/checker.hpp"
#include "healthcheck/deadline.hpp"

namespace lvsd::healthcheck {

class FileChecker final : public Checker {
 public:
  // The file is read at once: it is a few bytes of a local file system, as the configuration says.
  FileChecker(boost::asio::io_context& loop, const Target& target, OnResult done);

 private:
  CheckResult result_;
  OnResult done_;
  Deadline soon_;
};

}  // namespace lvsd::healthcheck

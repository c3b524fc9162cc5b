// A check by a program, which another process runs (base/script.hpp). Started by Checkers.
#pragma once

#include "base/script_client.hpp"
#include "healthcheck/checker.hpp"
#include "healthcheck/deadline.hpp"

namespace lvsd::healthcheck {

class ScriptChecker final : public Checker {
 public:
  ScriptChecker(boost::asio::io_context& loop, base::ScriptClient& scripts, const Target& target, OnResult done);
  ~ScriptChecker() override;

 private:
  void finish(CheckResult result);

  base::ScriptClient& scripts_;
  CheckConfig check_;
  OnResult done_;
  std::uint64_t number_ = 0;
  Deadline deadline_;
};

}  // namespace lvsd::healthcheck

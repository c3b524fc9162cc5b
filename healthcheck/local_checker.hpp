// A check of this host itself: looks at once, answers from the loop. Started by Checkers for tracks.
#pragma once

#include "healthcheck/checker.hpp"

namespace lvsd::healthcheck {

class LocalChecker final : public Checker {
 public:
  LocalChecker(boost::asio::io_context& loop, const Target& target, OnResult done);
  ~LocalChecker() override;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace lvsd::healthcheck

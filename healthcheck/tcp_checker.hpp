// A tcp check: the server accepts a connection within the deadline. Started by Checkers.
#pragma once

#include "healthcheck/checker.hpp"
#include "healthcheck/deadline.hpp"
#include "healthcheck/tcp_connect.hpp"

namespace lvsd::healthcheck {

class TcpChecker final : public Checker {
 public:
  TcpChecker(boost::asio::io_context& loop, const Target& target, OnResult done);

 private:
  void finish(Reason reason, std::string text);

  OnResult done_;
  base::TimePoint started_;
  base::Duration timeout_;
  Deadline deadline_;
  TcpConnect connect_;
};

}  // namespace lvsd::healthcheck

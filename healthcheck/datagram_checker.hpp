// A check that asks by one datagram, UDP or ICMP echo: the type's Exchange under one deadline. Started by Checkers.
#pragma once

#include "healthcheck/checker.hpp"

namespace lvsd::healthcheck {

class Marker;

class DatagramChecker final : public Checker {
 public:
  DatagramChecker(boost::asio::io_context& loop, Marker& marker, const Target& target, std::uint64_t nonce,
                  OnResult done);
  ~DatagramChecker() override;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace lvsd::healthcheck

// One non-blocking TCP connect to a target's server, from the source that its check names. No deadline of its own: the
// check that owns it has one. Used by the checkers.
#pragma once

#include <functional>
#include <memory>

#include "base/fd.hpp"
#include "base/result.hpp"
#include "healthcheck/config.hpp"
#include "healthcheck/result.hpp"

namespace boost::asio {
class io_context;
}

namespace lvsd::healthcheck {

class Marker;

class TcpConnect {
 public:
  using OnDone = std::function<void(base::Result<base::UniqueFd, Fault>)>;

  // Calls back once, from the loop, unless destroyed before. The callback may destroy the TcpConnect.
  TcpConnect(boost::asio::io_context& loop, Marker& marker, const Target& target, OnDone done);
  ~TcpConnect();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace lvsd::healthcheck

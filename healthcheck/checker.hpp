// One running check and the place that starts them. Used by monitor; implemented for each
// Carrier, and by fakes in tests.
#pragma once

#include <functional>
#include <memory>

#include "healthcheck/config.hpp"
#include "healthcheck/result.hpp"

namespace boost::asio {
class io_context;
}

namespace lvsd::base {
class ScriptClient;
}

namespace lvsd::healthcheck {

class Marker;

// Called exactly once, from the loop and never from inside start(). It may destroy the Checker that calls it.
using OnResult = std::function<void(CheckResult)>;

// A check under way. Destroying it cancels: its OnResult is not called any more and its descriptor is closed.
class Checker {
 public:
  Checker() = default;
  Checker(const Checker&) = delete;
  Checker& operator=(const Checker&) = delete;
  virtual ~Checker() = default;
};

class Checkers {
 public:
  virtual ~Checkers() = default;
  // The result comes by target.check.timeout, and a little later where the loop itself was late (see Deadline).
  virtual std::unique_ptr<Checker> start(const Target& target, OnResult done) = 0;
};

// Must outlive every Checker it started, and `scripts` and `marker` all of them.
std::unique_ptr<Checkers> make_checkers(boost::asio::io_context& loop, base::ScriptClient& scripts, Marker& marker);

}  // namespace lvsd::healthcheck

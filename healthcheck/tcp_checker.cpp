#include "healthcheck/tcp_checker.hpp"

#include <fmt/format.h>

namespace lvsd::healthcheck {

TcpChecker::TcpChecker(boost::asio::io_context& loop, const Target& target, OnResult done)
    : done_{std::move(done)},
      started_{base::Clock::now()},
      timeout_{target.check.timeout},
      deadline_{loop, timeout_,
                [this] {
                  finish(Reason::Timeout,
                         fmt::format("timed out after {} (no connection)", base::format_duration(timeout_)));
                }},
      connect_{loop, target.endpoint, [this](base::Result<base::UniqueFd, Fault> outcome) {
                 if (!outcome) return finish(outcome.error().reason, std::move(outcome.error().text));
                 finish(Reason::Ok, "connected in " + latency_words(base::Clock::now() - started_));
               }} {}

// `done` may destroy this object: nothing of it is touched after the call.
void TcpChecker::finish(Reason reason, std::string text) {
  const CheckResult result{reason, std::move(text), base::Clock::now() - started_};
  if (const auto done = std::exchange(done_, {})) done(result);
}

}  // namespace lvsd::healthcheck

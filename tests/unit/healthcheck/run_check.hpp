// Runs one real check to its end on an event loop of its own.
#pragma once

#include <csignal>
#include <optional>
#include <string>

#include <boost/asio/io_context.hpp>

#include "base/script_client.hpp"
#include "healthcheck/checker.hpp"
#include "healthcheck/marker.hpp"
#include "tests/support/check_target_lines.hpp"

namespace lvsd::healthcheck {

struct Outcome {
  std::optional<CheckResult> result;
  int results = 0;
  base::Duration took{};
};

inline Target target(const std::string& type, const base::Endpoint& endpoint, const std::string& options = "") {
  auto parsed = testing::parse_target_line(type + " " + endpoint.to_string() + " interval=10s " + options);
  if (!parsed) throw std::runtime_error{parsed.error().text};
  return *parsed;
}

// For checks that are no scripts.
inline base::ScriptClient& no_scripts() {
  static base::ScriptClient none{{[](const base::RunScript&) {}, [](const base::CancelScript&) {}}};
  return none;
}

// For checks without a firewall mark.
inline Marker& no_marks() {
  static Marker none{[](std::uint64_t, std::uint32_t, int) {}};
  return none;
}

inline Outcome run_check(const Target& target) {
  std::signal(SIGPIPE, SIG_IGN);  // as the room does
  boost::asio::io_context loop;
  const auto checkers = make_checkers(loop, no_scripts(), no_marks());
  Outcome outcome;
  const auto started = base::Clock::now();
  std::unique_ptr<Checker> check = checkers->start(target, [&](CheckResult result) {
    check.reset();
    outcome.result = std::move(result);
    ++outcome.results;
    outcome.took = base::Clock::now() - started;
  });
  while (outcome.results == 0 && base::Clock::now() - started < std::chrono::seconds{5})
    loop.run_one_for(std::chrono::milliseconds{100});
  for (int i = 0; i < 20; ++i) loop.poll();  // a second result would come now
  return outcome;
}

}  // namespace lvsd::healthcheck

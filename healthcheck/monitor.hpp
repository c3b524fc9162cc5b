// Owns the targets: starts each check when it is due, counts the results, tells of changed verdicts. Used by room.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "healthcheck/checker.hpp"
#include "healthcheck/config.hpp"
#include "healthcheck/messages.hpp"

namespace lvsd::healthcheck {

class Monitor {
 public:
  // Checks under way at once; the others wait in the order they were due. Targets whose last check timed out get at
  // most three quarters of the places, so that many dead servers do not make the checks of living ones late.
  static constexpr std::size_t kConcurrent = 1024;

  struct Earlier {
    Earlier(Verdict v = Verdict::unknown, Share s = {}) : verdict{v}, share{s} {}
    Verdict verdict;
    Share share;
  };
  using Known = std::map<std::string, Earlier>;  // by target id
  using OnChange = std::function<void(const HealthChanged&)>;
  using OnLocalTrouble = std::function<void(const std::string& target_id, const std::string& text)>;

  // The callbacks come from the loop. `checkers` must outlive the Monitor.
  Monitor(boost::asio::io_context& loop, Checkers& checkers, OnChange on_change, OnLocalTrouble on_local_trouble,
          std::size_t concurrent = kConcurrent);
  ~Monitor();  // cancels every check

  // The difference to what is in force: unchanged targets keep running; new rhythm or thresholds keep the state;
  // another question keeps the verdict until it is answered (see Dampener::ask_anew); another server starts from
  // unknown. `known` is used for new targets only. The configuration is valid (see validate.hpp).
  void configure(const Config& config, const Known& known = {});

  std::vector<TargetStatus> status() const;  // ordered by id

  // False when a check runs far beyond its deadline, or a due one is not started though there is room.
  bool makes_progress(base::TimePoint now) const;

  std::uint64_t results() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace lvsd::healthcheck

// A room's side of base/script.hpp. Used by rooms that have scripts.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/awaited.hpp"
#include "base/script.hpp"

namespace lvsd::base {

class ScriptClient {
 public:
  using OnEnded = Awaited<ScriptEnded>::OnAnswer;
  struct Tell {
    std::function<void(RunScript)> run;
    std::function<void(CancelScript)> cancel;
  };

  explicit ScriptClient(Tell tell) : tell_{std::move(tell)} {}

  // Returns its number. `ended` comes from answered(), once, unless cancelled before.
  std::uint64_t run(std::string name, std::vector<std::string> environment, OnEnded ended) {
    const auto id = awaited_.add(std::move(ended));
    tell_.run({id, std::move(name), std::move(environment)});
    return id;
  }

  void cancel(std::uint64_t id) {
    if (awaited_.drop(id)) tell_.cancel({id});
  }

  void answered(const ScriptEnded& result) { awaited_.answered(result.id, result); }

 private:
  Tell tell_;
  Awaited<ScriptEnded> awaited_;
};

}  // namespace lvsd::base

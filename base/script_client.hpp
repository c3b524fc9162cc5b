// A room's side of base/script.hpp: numbers the requests, finds whom an answer is for. Used by rooms that have scripts.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/script.hpp"

namespace lvsd::base {

class ScriptClient {
 public:
  using OnEnded = std::function<void(const ScriptEnded&)>;
  struct Tell {
    std::function<void(RunScript)> run;
    std::function<void(CancelScript)> cancel;
  };

  explicit ScriptClient(Tell tell) : tell_{std::move(tell)} {}

  // Returns its number. `ended` comes from answered(), once, unless cancelled before.
  std::uint64_t run(std::string name, std::vector<std::string> environment, OnEnded ended) {
    const auto id = ++last_;
    waiting_.emplace(id, std::move(ended));
    tell_.run({id, std::move(name), std::move(environment)});
    return id;
  }

  void cancel(std::uint64_t id) {
    if (waiting_.erase(id) != 0) tell_.cancel({id});
  }

  void answered(const ScriptEnded& result) {
    const auto found = waiting_.find(result.id);
    if (found == waiting_.end()) return;  // cancelled meanwhile
    const auto call = std::move(found->second);
    waiting_.erase(found);
    call(result);
  }

 private:
  Tell tell_;
  std::uint64_t last_ = 0;
  std::unordered_map<std::uint64_t, OnEnded> waiting_;
};

}  // namespace lvsd::base

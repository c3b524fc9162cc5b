// Answers that come later, by number: numbers the requests and finds whom an answer is for. Used by rooms that ask
// another process for something (scripts, marks).
#pragma once

#include <cstdint>
#include <functional>
#include <unordered_map>
#include <utility>

namespace lvsd::base {

template <typename Answer>
class Awaited {
 public:
  using OnAnswer = std::function<void(const Answer&)>;

  // Returns the request's number, from 1. `call` comes from answered(), once, unless dropped before.
  std::uint64_t add(OnAnswer call) {
    waiting_.emplace(++last_, std::move(call));
    return last_;
  }

  // False: nobody waits for that number (any more).
  bool drop(std::uint64_t id) { return waiting_.erase(id) != 0; }

  void answered(std::uint64_t id, const Answer& answer) {
    const auto found = waiting_.extract(id);
    if (found) found.mapped()(answer);
  }

 private:
  std::uint64_t last_ = 0;
  std::unordered_map<std::uint64_t, OnAnswer> waiting_;
};

}  // namespace lvsd::base

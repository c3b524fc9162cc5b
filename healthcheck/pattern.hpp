// Regular expressions by RE2: linear time, bounded memory, whatever a server sends. Pure. Used by the judges of replies
// and, for a word about a wrong expression, by daemon/config.
#pragma once

#include <memory>
#include <string_view>

#include "base/result.hpp"

namespace lvsd::healthcheck {

// Fails with RE2's words when the expression is none, or needs more than 1 MiB as a program.
base::Result<void> check_pattern(std::string_view expression);

// Compiled once, for as many replies as come.
class Pattern {
 public:
  explicit Pattern(std::string_view expression);
  // Somewhere in the bytes (taken as Latin-1). False for an expression that is none.
  bool matches(std::string_view bytes) const;

 private:
  struct Compiled;
  std::shared_ptr<const Compiled> compiled_;
};

}  // namespace lvsd::healthcheck

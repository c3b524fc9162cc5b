#include "healthcheck/pattern.hpp"

#include <re2/re2.h>

namespace lvsd::healthcheck {
namespace {

constexpr std::int64_t kMemory = 1 << 20;  // bytes

re2::RE2::Options options() {
  re2::RE2::Options out{re2::RE2::Latin1};  // a reply may hold any byte
  out.set_log_errors(false);
  out.set_max_mem(kMemory);
  return out;
}

re2::StringPiece piece(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

base::Result<void> check_pattern(std::string_view expression) {
  const re2::RE2 compiled{piece(expression), options()};
  if (!compiled.ok()) return base::fail(compiled.error());
  return {};
}

struct Pattern::Compiled {
  explicit Compiled(std::string_view text) : expression{piece(text), options()} {}
  re2::RE2 expression;
};

Pattern::Pattern(std::string_view expression) : compiled_{std::make_shared<const Compiled>(expression)} {}

bool Pattern::matches(std::string_view bytes) const {
  return compiled_->expression.ok() && re2::RE2::PartialMatch(piece(bytes), compiled_->expression);
}

}  // namespace lvsd::healthcheck

// Any bytes as what an agent, a file or a gRPC server says: nothing may crash, a share stays within its range, and a
// verdict has words.
#include <cstdlib>
#include <string_view>

#include "healthcheck/agent_word.hpp"
#include "healthcheck/file_check.hpp"
#include "healthcheck/grpc_health.hpp"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

void require_sane(const lvsd::healthcheck::ShareChange& share) {
  require(!share.weight);
  require(!share.weight_percent || (*share.weight_percent >= 0 && *share.weight_percent <= 256));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lvsd::healthcheck;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  if (const auto word = agent_word(text)) {
    require(word->verdict.reason == Reason::Ok || word->verdict.reason == Reason::Reply);
    require_sane(word->share);
  }
  const auto file = judge_file(text);
  require(!file.text.empty());
  require_sane(file.share);
  if (size < 1) return 0;
  const auto verdict = grpc_health_verdict(text.substr(1), static_cast<int>(data[0]) % 20 - 1, text, text);
  require(!verdict.text.empty() && verdict.reason != Reason::Local);
  return 0;
}

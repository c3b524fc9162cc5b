// parse() over any bytes: it answers with a configuration or an error, never both; what it took survives pack and
// unpack and differs from itself in nothing.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "daemon/config/load.hpp"

namespace {

void require(bool claim) {
  if (!claim) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lvsd::daemon;
  if (size > 65536) return 0;
  const Sources sources{"lvs1", size % 2 == 0, {{"lvsd.conf", {reinterpret_cast<const char*>(data), size}}}};
  const auto outcome = parse(sources);
  const bool failed = std::any_of(outcome.diagnostics.begin(), outcome.diagnostics.end(),
                                  [](const auto& d) { return d.severity == Diagnostic::Severity::Error; });
  require(outcome.config.has_value() != failed);
  require(render(outcome.diagnostics, sources).empty() == outcome.diagnostics.empty());
  const auto back = unpack(pack(sources, Secrets::Included));
  require(back && back->files[0].text == sources.files[0].text && fingerprint(*back) == fingerprint(sources));
  if (outcome.config) {
    require(parse(*back).config == outcome.config);
    require(changes(*outcome.config, *outcome.config).empty());
  }
  (void)unpack({reinterpret_cast<const char*>(data), size});
  return 0;
}

// Whatever is done to a valid file, parse() answers: a configuration or an error, never both, never a crash.
#include <fstream>
#include <random>
#include <sstream>

#include <gtest/gtest.h>

#include "fixture.hpp"

namespace lvsd::daemon {
namespace {

std::string sample(const std::string& path) {
  std::stringstream text;
  text << std::ifstream{LVSD_SOURCE_DIR + path}.rdbuf();
  return text.str();
}

std::string mutated(std::string text, std::mt19937& random) {
  constexpr std::string_view kPieces[] = {"[",          "]",
                                          "=",          "\n",
                                          ";",          "#",
                                          "@",          "@lvs1",
                                          ":",          "/",
                                          " ",          "\t",
                                          ",",          std::string_view{"\0", 1},
                                          "\xff",       "0",
                                          "-1",         "99999999999",
                                          "[vrrp x]\n", "[real_server shop/app1]\n",
                                          "::1",        "10.0.0.100",
                                          "weight=",    "\r\n"};
  const auto edits = 1 + random() % 8;
  for (unsigned i = 0; i < edits && !text.empty(); ++i) {
    const auto at = random() % text.size();
    switch (random() % 5) {
      case 0:
        text.erase(at, 1 + random() % 20);
        break;
      case 1:
        text.insert(at, kPieces[random() % std::size(kPieces)]);
        break;
      case 2:
        text[at] = static_cast<char>(random());
        break;
      case 3:
        text.insert(at, text.substr(random() % text.size(), random() % 80));
        break;
      default:
        text.resize(at);
        break;
    }
  }
  return text;
}

TEST(Mutation, ParseAnswersAnything) {
  std::mt19937 random{20261120};
  for (const auto* path : {"/etc/lvsd.conf", "/tests/config/design.conf", "/tests/config/bad/services.conf"}) {
    const auto text = sample(path);
    ASSERT_FALSE(text.empty());
    for (int round = 0; round < 2000; ++round) {
      const auto sources = one_file(mutated(text, random), "lvs1");
      const auto outcome = parse(sources);
      bool failed = false;
      for (const auto& d : outcome.diagnostics) failed |= d.severity == Diagnostic::Severity::Error;
      ASSERT_NE(outcome.config.has_value(), failed) << sources.files[0].text;
      render(outcome.diagnostics, sources);
    }
  }
}

}  // namespace
}  // namespace lvsd::daemon

// How the tests of the configuration write a file inline and look at the outcome.
#pragma once

#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "daemon/config/config.hpp"
#include "daemon/config/load.hpp"

namespace lvsd::daemon {

inline Sources one_file(std::string text, const std::string& node = "") {
  return {node, !node.empty(), {{"lvsd.conf", std::move(text)}}};
}

inline Outcome parse_text(std::string text, const std::string& node = "") {
  return parse(one_file(std::move(text), node));
}

// "3:1 error: unknown key …", one per diagnostic.
inline std::vector<std::string> said(const std::vector<Diagnostic>& diagnostics) {
  std::vector<std::string> out;
  for (const auto& d : diagnostics) {
    const auto* severity = d.severity == Diagnostic::Severity::Error ? "error" : "warning";
    out.push_back(fmt::format("{}:{} {}: {}", d.line, d.column, severity, d.message));
  }
  return out;
}

inline std::vector<std::string> said_of(std::string text, const std::string& node = "") {
  return said(parse_text(std::move(text), node).diagnostics);
}

inline Config config_of(const std::string& text, const std::string& node = "") {
  auto outcome = parse_text(text, node);
  EXPECT_TRUE(outcome.config) << render(outcome.diagnostics, one_file(text));
  return outcome.config.value_or(Config{});
}

inline base::Endpoint endpoint(std::string_view text) { return *base::Endpoint::parse(text, false); }

// A valid file that tests add lines or sections to.
inline const std::string kFront = R"([vrrp front]
interface = eth0
virtual_router_id = 51
virtual_address = 10.0.0.100/24
)";

}  // namespace lvsd::daemon

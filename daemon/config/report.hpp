// Where something stands in the configuration files, and the collector of everything that is wrong there. Used by every
// stage from the line reader to the cross checks; nothing stops at the first error.
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "daemon/config/load.hpp"

namespace lvsd::daemon {

// A piece of text in Sources::files[file]. line and column count from 1; line 0: the file as a whole.
struct Place {
  std::uint32_t file = 0;
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  std::uint32_t length = 1;
};

class Report {
 public:
  explicit Report(const Sources& sources) : sources_{&sources} {}

  void error(Place place, const std::string& message, const std::string& hint = "") {
    add(Severity::Error, place, {}, message, hint);
  }
  void warning(Place place, const std::string& message, const std::string& hint = "") {
    add(Severity::Warning, place, {}, message, hint);
  }
  // Marks two pieces of one line: `place` with carets, `other` with tildes.
  void error_pair(Place place, Place other, const std::string& message, const std::string& hint) {
    add(Severity::Error, place, other, message, hint);
  }

  // Text appended to what is reported from now on and was not reported before: " (on node lvs2)".
  void set_suffix(std::string suffix) { suffix_ = std::move(suffix); }

  // "lvsd.conf:12" or, within `seen_from`'s own file, "line 12".
  std::string name(Place place, Place seen_from) const;

  std::size_t errors() const { return errors_; }
  const std::vector<Diagnostic>& diagnostics() const { return diagnostics_; }

 private:
  using Severity = Diagnostic::Severity;
  void add(Severity severity, Place place, Place other, const std::string& message, const std::string& hint);

  const Sources* sources_;
  std::vector<Diagnostic> diagnostics_;
  std::set<std::tuple<std::uint32_t, std::uint32_t, std::uint32_t, std::string>> seen_;
  std::string suffix_;
  std::size_t errors_ = 0;
};

// The candidate that `word` was probably meant to be: at most a third of its letters differ, case ignored, a swap of
// neighbours counting once. Empty when none is near.
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

// "; did you mean \"priority\"?" or "".
std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates);

// In order of file and line, errors first on equal places; cut to a bounded number.
std::vector<Diagnostic> in_order(std::vector<Diagnostic> diagnostics, const Sources& sources);

}  // namespace lvsd::daemon

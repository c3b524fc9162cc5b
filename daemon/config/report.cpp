#include "daemon/config/report.hpp"

#include <algorithm>
#include <cctype>
#include <map>

#include <fmt/format.h>

namespace lvsd::daemon {
namespace {

constexpr std::size_t kMaxShown = 200;  // diagnostics of one run; a binary file would yield one per line

char lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

// Damerau-Levenshtein distance (restricted: no piece is edited twice), case ignored.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before_last(b.size() + 1), last(b.size() + 1), current(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = lower(a[i - 1]) == lower(b[j - 1]);
      current[j] = std::min({last[j] + 1, current[j - 1] + 1, last[j - 1] + (same ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]);
      if (swapped) current[j] = std::min(current[j], before_last[j - 2] + 1);
    }
    before_last.swap(last);
    last.swap(current);
  }
  return last[b.size()];
}

}  // namespace

std::string Report::name(Place place, Place seen_from) const {
  if (place.file == seen_from.file) return fmt::format("line {}", place.line);
  return fmt::format("{}:{}", sources_->files[place.file].path, place.line);
}

void Report::add(Severity severity, Place place, Place other, const std::string& message, const std::string& hint) {
  if (!seen_.emplace(place.file, place.line, place.column, message).second) return;
  if (severity == Severity::Error) ++errors_;
  Diagnostic d;
  d.severity = severity;
  if (place.file < sources_->files.size()) d.file = sources_->files[place.file].path;
  d.line = place.line;
  d.column = place.column;
  d.length = place.length;
  d.message = message + suffix_;
  d.hint = hint;
  d.other_column = other.column;
  d.other_length = other.column ? other.length : 0;
  diagnostics_.push_back(std::move(d));
}

std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates) {
  if (word.size() > 64) return {};
  std::string_view best;
  std::size_t best_distance = 0;
  for (const auto candidate : candidates) {
    const auto distance = edit_distance(word, candidate);
    const auto allowed = std::max<std::size_t>(1, std::max(word.size(), candidate.size()) / 3);
    if (distance > allowed || distance >= candidate.size()) continue;
    if (best.empty() || distance < best_distance) best = candidate, best_distance = distance;
  }
  return best;
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates) {
  const auto match = nearest(word, candidates);
  return match.empty() ? "" : fmt::format("; did you mean \"{}\"?", match);
}

std::vector<Diagnostic> in_order(std::vector<Diagnostic> diagnostics, const Sources& sources) {
  std::map<std::string_view, std::size_t> order;
  for (const auto& file : sources.files) order.emplace(file.path, order.size());
  const auto rank = [&](const Diagnostic& d) {
    const auto found = order.find(d.file);
    return std::tuple{found == order.end() ? order.size() : found->second, d.line, d.column, d.severity};
  };
  std::stable_sort(diagnostics.begin(), diagnostics.end(),
                   [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
  if (diagnostics.size() > kMaxShown) {
    const auto more = diagnostics.size() - kMaxShown;
    // An error must stay an error when it is among those cut off.
    const bool error_cut = std::any_of(diagnostics.begin() + kMaxShown, diagnostics.end(),
                                       [](const auto& d) { return d.severity == Diagnostic::Severity::Error; });
    diagnostics.resize(kMaxShown);
    Diagnostic rest;
    rest.severity = error_cut ? Diagnostic::Severity::Error : Diagnostic::Severity::Warning;
    rest.file = diagnostics.back().file;
    rest.message = fmt::format("{} more problems are not shown", more);
    diagnostics.push_back(std::move(rest));
  }
  return diagnostics;
}

}  // namespace lvsd::daemon

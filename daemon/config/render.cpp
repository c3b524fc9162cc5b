// Diagnostics as people read them: where, what, the line with carets under it, what to do.
#include <algorithm>

#include <fmt/format.h>

#include "daemon/config/load.hpp"

namespace lvsd::daemon {
namespace {

constexpr std::size_t kMaxSnippet = 160;  // bytes of a line that are shown; longer lines are cut around the mark

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }  // UTF-8

std::string_view line_of(const Sources& sources, const Diagnostic& d) {
  const auto file =
      std::find_if(sources.files.begin(), sources.files.end(), [&](const auto& f) { return f.path == d.file; });
  if (file == sources.files.end() || d.line == 0) return {};
  std::string_view text = file->text;
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  for (unsigned line = 1; line < d.line; ++line) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  text = text.substr(0, text.find('\n'));
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

// One marker per byte of the line, ' ' where nothing is marked.
std::string marks(const Diagnostic& d, std::size_t line_length) {
  std::string out(line_length + 1, ' ');
  const auto mark = [&](unsigned column, unsigned length, char first, char rest) {
    for (std::size_t i = column - 1; i < std::min<std::size_t>(column - 1 + std::max(1u, length), out.size()); ++i) {
      out[i] = i + 1 == column ? first : rest;
    }
  };
  if (d.other_column) mark(d.other_column, d.other_length, '~', '~');
  mark(d.column, d.length, '^', '~');
  return out;
}

std::string snippet(std::string_view line, const Diagnostic& d) {
  if (line.empty() || d.column == 0) return "";
  const auto marked = marks(d, line.size());
  const std::size_t first = line.size() > kMaxSnippet && d.column > kMaxSnippet / 2 ? d.column - kMaxSnippet / 2 : 0;
  std::string shown, under;
  for (std::size_t i = first; i < std::min(line.size(), first + kMaxSnippet); ++i) {
    const auto byte = static_cast<unsigned char>(line[i]);
    shown += byte == '\t' ? ' ' : byte < 0x20 || byte == 0x7f ? '?' : line[i];
    if (!continues_character(line[i])) under += marked[i];
  }
  if (first + kMaxSnippet >= line.size()) under += marked[line.size()];
  under.erase(under.find_last_not_of(' ') + 1);
  return fmt::format("{:5} | {}\n      | {}\n", d.line, shown, under);
}

std::string plural(std::size_t count, std::string_view word) {
  return fmt::format("{} {}{}", count, word, count == 1 ? "" : "s");
}

}  // namespace

std::string render(const std::vector<Diagnostic>& diagnostics, const Sources& sources) {
  std::string out;
  std::size_t errors = 0;
  for (const auto& d : diagnostics) {
    const bool error = d.severity == Diagnostic::Severity::Error;
    if (error) ++errors;
    out += d.file;
    if (d.line) out += fmt::format(":{}", d.line);
    if (d.line && d.column) out += fmt::format(":{}", d.column);
    out += fmt::format("{}{}: {}\n", d.file.empty() ? "" : ": ", error ? "error" : "warning", d.message);
    out += snippet(line_of(sources, d), d);
    if (!d.hint.empty()) out += fmt::format("      hint: {}\n", d.hint);
  }
  if (diagnostics.empty()) return "";
  const auto warnings = diagnostics.size() - errors;
  if (errors) out += plural(errors, "error");
  if (errors && warnings) out += ", ";
  if (warnings) out += plural(warnings, "warning");
  return out + "\n";
}

}  // namespace lvsd::daemon

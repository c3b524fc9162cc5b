#include <algorithm>

#include <fmt/format.h>

#include "daemon/ctl/render.hpp"
#include "daemon/ctl/words.hpp"

namespace lvsd::ctl {

std::string render_reload(const daemon::ReloadResult& result, const View& view) {
  if (!result.ok) return {};
  std::string out;
  for (const auto& change : result.changes) out += fmt::format("  {}\n", change);
  const auto changes = result.changes.empty() ? "nothing changed" : plural(result.changes.size(), "change", view);
  return out + fmt::format("{} is in force after {} ms, {}\n", result.fingerprint, result.took_ms, changes);
}

std::string render_changes(const std::vector<daemon::Change>& changes, const View& view) {
  if (view.csv) {
    Layout layout({{"SIGN"}, {"SUBJECT"}, {"WHAT"}, {"EFFECT"}});
    for (const auto& c : changes) layout.add({std::string(1, c.sign), c.subject, c.what, c.effect});
    return layout.csv(view);
  }
  if (changes.empty()) return "nothing would change\n";
  Layout layout({{"  SUBJECT"}, {"WHAT"}, {"EFFECT"}});
  for (const auto& c : changes) {
    const auto tone = c.sign == '+' ? Tone::Good : c.sign == '-' ? Tone::Bad : Tone::Warning;
    layout.add({{fmt::format("  {} {}", c.sign, c.subject), tone}, c.what, c.effect});
  }
  auto bare = view;
  bare.header = false;
  const auto of = [&](char sign) { return std::ranges::count(changes, sign, &daemon::Change::sign); };
  return layout.table(bare) + fmt::format("{} added, {} removed, {} changed\n", of('+'), of('-'), of('~'));
}

std::string render_sources(const daemon::Sources& sources, const View& view) {
  std::string out;
  for (const auto& file : sources.files) {
    if (sources.files.size() > 1)
      out += (out.empty() ? "" : "\n") + view.paint(Tone::Faint, fmt::format("; {}", file.path)) + '\n';
    out += file.text;
    if (!out.empty() && out.back() != '\n') out += '\n';
  }
  return out;
}

}  // namespace lvsd::ctl

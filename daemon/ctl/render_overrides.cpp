#include <algorithm>

#include <fmt/format.h>

#include "daemon/ctl/render.hpp"
#include "daemon/ctl/words.hpp"

namespace lvsd::ctl {
namespace {

std::string what_is_wanted(const daemon::OverrideChange& change, const View& view) {
  if (change.overridden.empty()) return "as configured";
  const auto until = change.until_unix_ms == 0 ? "" : ", until " + local_time(change.until_unix_ms, view);
  return fmt::format("override: {}{}, survives reload and restart", change.overridden, until);
}

}  // namespace

std::string render_overrides(const daemon::OverrideList& list, const View& view) {
  if (list.overrides.empty() && !view.csv) return "no override: everything is as configured\n";
  Layout layout({{"SERVER"}, {"OVERRIDE"}, {"BY"}, {"SINCE"}, {"UNTIL"}, {"REASON"}});
  for (const auto& o : list.overrides) {
    const auto kind = o.weight.empty() ? o.kind : fmt::format("{} {}", o.kind, o.weight);
    layout.add({o.server, kind, o.by, local_time(o.since_unix_ms, view), local_time(o.until_unix_ms, view), o.reason});
  }
  return layout.text(view);
}

std::string render_override_changes(const daemon::OverrideResult& result,
                                    const std::map<std::string, std::uint64_t>& remaining, const View& view) {
  if (result.changes.empty()) return "nothing changed: it is so already\n";
  std::string out;
  for (const auto& change : result.changes) {
    out += fmt::format("{}: weight {}{}{} ({})", change.server, count(change.weight_before, view), view.arrow(),
                       count(change.weight_after, view), what_is_wanted(change, view));
    const auto left = remaining.find(change.server);
    const bool leaving = change.weight_after == 0 && !change.overridden.empty() && left != remaining.end();
    if (leaving) out += fmt::format("; {} to go", plural(left->second, "connection", view));
    out += fmt::format("\n  {}: {}\n",
                       result.dry_run ? "dry run, nothing was changed; it could be undone with" : "undo", change.undo);
  }
  return out;
}

}  // namespace lvsd::ctl

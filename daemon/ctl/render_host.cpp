#include "daemon/ctl/render.hpp"

namespace lvsd::ctl {
namespace {

Cell level_cell(const daemon::HostFinding& finding, const View& view) {
  if (view.csv) return {finding.level};
  if (finding.level == "ok") return mark_up("ok", view);
  if (finding.level == "warn") return mark_partly("warn", view);
  if (finding.level == "fail") return mark_down("FAIL", view);
  return mark_idle(finding.level, view);
}

}  // namespace

std::string render_findings(const std::vector<daemon::HostFinding>& findings, const View& view) {
  if (view.csv) {
    Layout layout({{"LEVEL"}, {"SUBJECT"}, {"TEXT"}, {"FIX"}});
    for (const auto& f : findings) layout.add({level_cell(f, view), f.subject, f.text, f.fix});
    return layout.text(view);
  }
  // A fix has a line of its own: it is there to be copied.
  Layout layout({{""}, {""}, {""}});
  for (const auto& f : findings) {
    layout.add({level_cell(f, view), f.subject, f.text});
    if (!f.fix.empty()) layout.add({"", "", {f.fix, Tone::Strong}});
  }
  auto bare = view;
  bare.header = false;
  return layout.text(bare);
}

}  // namespace lvsd::ctl

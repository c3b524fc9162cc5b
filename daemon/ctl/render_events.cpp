#include <fmt/format.h>

#include "daemon/ctl/render.hpp"
#include "daemon/ctl/words.hpp"

namespace lvsd::ctl {
namespace {

Cell state_cell(const daemon::Event& event, const View& view) {
  const auto arrow = view.csv ? " " : view.arrow();
  const auto text = event.before.empty() ? event.state : fmt::format("{}{}{}", event.before, arrow, event.state);
  if (view.csv) return {text};
  for (const auto* bad : {"down", "FAULT", "refused", "restarting"}) {
    if (event.state == bad) return {text, Tone::Bad};
  }
  for (const auto* good : {"up", "ok", "MASTER"}) {
    if (event.state == good) return {text, Tone::Good};
  }
  return {text};
}

}  // namespace

std::string render_events(const daemon::EventList& list, const View& view) {
  if (list.events.empty() && !view.csv && view.header) return "nothing has happened yet\n";
  Layout layout({{"NUMBER", Column::Align::Right, true}, {"TIME"}, {"KIND"}, {"SUBJECT"}, {"STATE"}, {"TEXT"}});
  for (const auto& e : list.events) {
    layout.add(
        {fmt::format("{}", e.number), local_time(e.unix_ms, view), e.kind, e.subject, state_cell(e, view), e.text});
  }
  return layout.text(view);
}

}  // namespace lvsd::ctl

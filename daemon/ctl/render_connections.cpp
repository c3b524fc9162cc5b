#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "daemon/ctl/render.hpp"
#include "daemon/ctl/words.hpp"

namespace lvsd::ctl {
namespace {

using Align = Column::Align;

std::string key_of(const ipvs::ConnectionStatus& c, std::string_view key) {
  if (key == "client") return c.client.address.to_string();
  if (key == "rs") return c.service + '/' + c.server;
  return c.state;
}

}  // namespace

std::string render_connections(const ipvs::Connections& connections, const View& view) {
  if (connections.connections.empty() && !view.csv) return "no connection\n";
  const bool any_local =
      view.csv || std::ranges::any_of(connections.connections, [](const auto& c) { return c.local_address.port != 0; });
  std::vector<Column> columns({{"PROTO"},
                               {"STATE"},
                               {"CLIENT"},
                               {"VIRTUAL"},
                               {"SERVER"},
                               {"NAME"},
                               {"EXPIRES", Align::Right},
                               {"IN PKTS", Align::Right}});
  if (any_local) columns.push_back({"LOCAL"});  // fullnat
  Layout layout(columns);
  for (const auto& c : connections.connections) {
    const auto expires = view.csv ? fmt::format("{}", c.expires_in_s) : fmt::format("{}s", c.expires_in_s);
    std::vector<Cell> cells{c.protocol,
                            c.state,
                            c.client.to_string(),
                            c.virtual_address.to_string(),
                            c.server_address.to_string(),
                            c.service + '/' + c.server,
                            expires,
                            count(c.in_packets, view)};
    if (any_local) cells.push_back(c.local_address.port != 0 ? c.local_address.to_string() : std::string{});
    layout.add(std::move(cells));
  }
  return layout.text(view);
}

std::string render_connection_counts(const ipvs::Connections& connections, std::string_view key, const View& view) {
  std::map<std::string, std::uint64_t> counts;
  for (const auto& c : connections.connections) ++counts[key_of(c, key)];
  std::vector<std::pair<std::string, std::uint64_t>> order(counts.begin(), counts.end());
  std::ranges::stable_sort(order, [](const auto& a, const auto& b) { return a.second > b.second; });
  Layout layout({{key == "client" ? "CLIENT" : key == "rs" ? "SERVER" : "STATE"}, {"CONNECTIONS", Align::Right}});
  for (const auto& [name, number] : order) layout.add({name, count(number, view)});
  if (layout.empty() && !view.csv) return "no connection\n";
  return layout.text(view);
}

std::string render_drops(const ipvs::Drops& drops, const View& view) {
  auto reasons = drops.reasons;
  std::ranges::stable_sort(reasons, [](const auto& a, const auto& b) { return a.packets > b.packets; });
  Layout layout({{"REASON"}, {"PACKETS", Align::Right}, {"EXPLANATION"}});
  for (const auto& r : reasons) {
    if (r.packets > 0 || view.wide || view.csv) layout.add({r.reason, count(r.packets, view), r.explanation});
  }
  if (layout.empty() && !view.csv)
    return fmt::format("no packet dropped ({} counted)\n", plural(reasons.size(), "reason", view));
  return layout.text(view);
}

std::string render_trace(const ipvs::Trace& trace, const View& view) {
  Layout layout({{"QUESTION"}, {"FINDING"}});
  for (const auto& step : trace.steps) layout.add({step.subject, step.finding});
  std::string outcome = "to the kernel, unchanged";
  if (trace.outcome == ipvs::TraceOutcome::forward) {
    outcome = fmt::format("forwarded to {}/{}", trace.service, trace.server);
  } else if (trace.outcome == ipvs::TraceOutcome::drop) {
    outcome = fmt::format("dropped: {}", trace.reason);
  }
  layout.add({"outcome", outcome});
  return layout.text(view);
}

}  // namespace lvsd::ctl

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
                               {"IN PKTS", Align::Right},
                               {"PATH"}});
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
                            count(c.in_packets, view),
                            c.fast_path ? "fast" : "engine"};
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

namespace {

std::string render_multicast(const ipvs::MulticastStatus& m, const View& view) {
  Layout layout({{"INTERFACE"},
                 {"GROUP"},
                 {"ID", Align::Right},
                 {"ROLE"},
                 {"TOLD", Align::Right},
                 {"NOT TOLD", Align::Right},
                 {"HEARD", Align::Right},
                 {"TAKEN", Align::Right},
                 {"UNKNOWN", Align::Right},
                 {"REFUSED", Align::Right},
                 {"BAD", Align::Right},
                 {"OTHER ID", Align::Right, true},
                 {"OLDER", Align::Right, true},
                 {"UNSENT", Align::Right, true},
                 {"PROBLEM"}});
  const auto number = [&](std::uint64_t n) { return m.counted ? count(n, view) : std::string{"-"}; };
  const char* role = m.tells ? m.hears ? "both" : "master" : m.hears ? "backup" : "off";
  layout.add({m.interface, m.group.to_string(), fmt::format("{}", m.id),
              Cell{role, m.tells || m.hears ? Tone::Good : Tone::Bad}, number(m.told), number(m.not_told),
              number(m.heard), number(m.taken), number(m.unknown_server), number(m.refused + m.not_possible),
              number(m.malformed_messages), number(m.other_id_messages), number(m.older), number(m.unsent_messages),
              m.problem});
  return layout.text(view);
}

}  // namespace

std::string render_sync(const ipvs::SyncStatus& sync, const View& view) {
  if (!sync.configured && !view.csv) return "connections are not shared: the configuration has no [sync] section\n";
  if (sync.multicast) return render_multicast(*sync.multicast, view);
  const auto stage = [](ipvs::SyncStage s) {
    constexpr const char* kWords[] = {"off", "full_state", "in_step"};
    const auto tone = s == ipvs::SyncStage::in_step ? Tone::Good : s == ipvs::SyncStage::off ? Tone::Bad : Tone::Plain;
    return Cell{kWords[static_cast<std::size_t>(s)], tone};
  };
  Layout layout({{"PEER"},
                 {"TELLING"},
                 {"LAG", Align::Right},
                 {"HEARING"},
                 {"HEARD", Align::Right},
                 {"TAKEN", Align::Right},
                 {"UNKNOWN", Align::Right},
                 {"REFUSED", Align::Right},
                 {"FULL STATE", Align::Right},
                 {"TOLD", Align::Right, true},
                 {"OLDER", Align::Right, true},
                 {"DROPPED", Align::Right, true},
                 {"PROBLEM"}});
  for (const auto& p : sync.peers) {
    const auto age = p.full_state_age_s < 0
                         ? std::string{"never"}
                         : fmt::format("{} ago", base::format_age(std::chrono::seconds{p.full_state_age_s}));
    layout.add({p.peer.to_string(), stage(p.telling), count(p.lag, view), stage(p.hearing), count(p.heard, view),
                count(p.taken, view), count(p.unknown_server, view), count(p.refused, view), age, count(p.told, view),
                count(p.older, view), count(p.dropped, view), p.problem});
  }
  auto text = layout.text(view);
  if (!view.csv && !sync.problem.empty()) text += sync.problem + '\n';
  if (!view.csv && sync.strangers > 0) text += fmt::format("{} refused\n", plural(sync.strangers, "stream", view));
  return text;
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

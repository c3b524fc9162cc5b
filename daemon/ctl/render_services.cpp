#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "daemon/ctl/render.hpp"
#include "daemon/ctl/words.hpp"

namespace lvsd::ctl {
namespace {

using Align = Column::Align;

std::string listener_text(const ipvs::ListenerStatus& l) {
  if (l.address.port != 0 && l.last_port == 0) return fmt::format("{} {}", l.protocol, l.address.to_string());
  const auto address = l.address.address.to_string();
  return fmt::format("{} {}:{}", l.protocol, l.address.address.is_v4() ? address : fmt::format("[{}]", address),
                     l.address.port == 0 ? "*" : fmt::format("{}-{}", l.address.port, l.last_port));
}

std::string mark_text(const ipvs::ServiceStatus& service) {
  return fmt::format("fwmark {} ({})", service.fwmark, service.family);
}

std::string first_listener(const ipvs::ServiceStatus& service) {
  if (service.fwmark != 0) return mark_text(service);
  return service.listeners.empty() ? "" : listener_text(service.listeners.front());
}

std::string listeners_text(const ipvs::ServiceStatus& service) {
  std::string text = service.fwmark != 0 ? mark_text(service) : "";
  for (const auto& l : service.listeners) text += (text.empty() ? "" : " ") + listener_text(l);
  return text;
}

// A port of 0 is the port that the client asked for.
std::string address_text(const base::Endpoint& e) { return e.port == 0 ? e.address.to_string() : e.to_string(); }

std::string weight_text(const ipvs::ServerStatus& s, const View& view) {
  const bool same = s.effective_weight == s.weight;
  return same ? count(s.weight, view) : fmt::format("{}/{}", s.effective_weight, s.weight);
}

Cell state_cell(ipvs::ServiceState state, const View& view) {
  switch (state) {
    case ipvs::ServiceState::ok:
      return mark_up("ok", view);
    case ipvs::ServiceState::degraded:
      return mark_partly("degraded", view);
    case ipvs::ServiceState::sorry:
      return mark_partly("sorry", view);
    case ipvs::ServiceState::down:
      return mark_down("down", view);
  }
  return {};
}

// Of the server's checks the one that says most: a failing one, else the first.
const healthcheck::TargetStatus* telling_check(const ipvs::ServerStatus& server, const healthcheck::Status& checks) {
  const healthcheck::TargetStatus* first = nullptr;
  for (const auto& id : server.checks) {
    const auto* target = find_target(checks, id);
    if (!target) continue;
    if (target->verdict != healthcheck::Verdict::up) return target;
    if (!first) first = target;
  }
  return first;
}

Cell state_cell(const ipvs::ServerStatus& server, const healthcheck::TargetStatus* check, const View& view) {
  const auto since = check && check->since_unix_ms != 0 && !view.csv ? ' ' + age_since(check->since_unix_ms, view) : "";
  const auto& wanted = server.overridden;
  const bool told = !wanted.empty() && !view.csv;
  switch (server.state) {
    case ipvs::ServerState::up:
      return mark_up(told ? "up, " + wanted : "up", view);
    case ipvs::ServerState::down:
      return mark_down("down" + since, view);
    case ipvs::ServerState::unknown:
      return mark_idle("unknown", view);
    case ipvs::ServerState::drain:
      return mark_partly(told ? wanted : "drain", view);
    case ipvs::ServerState::disabled:
      return mark_idle("disabled", view);
    case ipvs::ServerState::sorry:
      return mark_partly("sorry", view);
  }
  return {};
}

std::string last_check(const ipvs::ServerStatus& server, const healthcheck::TargetStatus* check) {
  if (server.checks.empty()) return "unchecked";
  if (!check) return "-";
  if (check->last_result.empty()) return "none yet";
  return fmt::format("{}, {} ago", check->last_result, age(check->last_age_ms));
}

std::string usable(const ipvs::ServiceStatus& service) {
  std::size_t up = 0, all = 0;
  for (const auto& s : service.servers) {
    up += s.state == ipvs::ServerState::up;
    const bool removed = s.state == ipvs::ServerState::drain && s.overridden.empty();
    all += !removed && s.state != ipvs::ServerState::sorry;
  }
  return fmt::format("{}/{}", up, all);
}

std::uint64_t sum(const ipvs::ServiceStatus& service, std::uint64_t ipvs::ServerStatus::*member) {
  std::uint64_t total = 0;
  for (const auto& s : service.servers) total += s.*member;
  return total;
}

std::string arrow_name(const ipvs::ServerStatus& server) { return "  -> " + server.name; }

// "sh", "sh (sh-port)", "wlc persistent 300 mask 24 pe sip", "rr ops": ipvsadm's words
std::string scheduler_text(const ipvs::ServiceStatus& service) {
  auto text = service.scheduler;
  if (!service.scheduler_flags.empty()) text += fmt::format(" ({})", fmt::join(service.scheduler_flags, ","));
  if (service.persistence_s != 0) text += fmt::format(" persistent {}", service.persistence_s);
  if (service.persistence_prefix != 0) text += fmt::format(" mask {}", service.persistence_prefix);
  if (!service.persistence_engine.empty()) text += " pe " + service.persistence_engine;
  return service.one_packet ? text + " ops" : text;
}

std::string services_csv(const Services& services, const View& view) {
  Layout layout({{"NAME"}, {"SERVICE"}, {"SCHED"}, {"STATE"}, {"USABLE"}, {"QUORUM"}, {"ACTIVE"}, {"INACT"}});
  for (const auto* s : services) {
    layout.add({s->name, listeners_text(*s), scheduler_text(*s), state_cell(s->state, view), usable(*s),
                fmt::format("{}", s->quorum), count(sum(*s, &ipvs::ServerStatus::active_connections), view),
                count(sum(*s, &ipvs::ServerStatus::inactive_connections), view)});
  }
  return layout.csv(view);
}

// A listing of five numbers per service and server, in ipvsadm's shape.
template <class Numbers>
std::string render_numbers(const Services& services, std::vector<std::string> titles, Numbers numbers,
                           const View& view) {
  std::vector<Column> columns{{"NAME"}, {"SERVICE"}};
  for (auto& t : titles) columns.push_back({std::move(t), Align::Right});
  columns.push_back({""});
  Layout layout(std::move(columns));
  if (!view.csv) layout.second_header({"  -> SERVER", "ADDRESS"});
  const auto add = [&](std::string name, std::string address, const ipvs::Statistics& statistics, std::string note) {
    std::vector<Cell> cells{std::move(name), std::move(address)};
    for (auto& n : numbers(statistics)) cells.emplace_back(std::move(n));
    cells.emplace_back(std::move(note), Tone::Faint);
    layout.add(std::move(cells));
  };
  for (const auto* service : services) {
    const bool dr = !service->servers.empty() && service->statistics.out_packets == 0 &&
                    std::ranges::all_of(service->servers, [](const auto& s) { return s.method == "dr"; });
    const auto* note = dr && !view.csv ? "OUT is 0 by design: dr replies bypass the director" : "";
    add(service->name, view.csv ? listeners_text(*service) : first_listener(*service), service->statistics, note);
    for (std::size_t i = service->fwmark != 0 ? 0 : 1; i < service->listeners.size() && !view.csv; ++i)
      layout.add({"", listener_text(service->listeners[i])});
    for (const auto& server : service->servers) {
      add(view.csv ? service->name + '/' + server.name : arrow_name(server), address_text(server.address),
          server.statistics, "");
    }
  }
  return layout.text(view);
}

}  // namespace

std::string render_services(const Services& services, const healthcheck::Status& checks, const View& view) {
  if (view.csv) return services_csv(services, view);
  if (services.empty()) return "no virtual server configured\n";
  Layout layout({{"NAME"},
                 {"SERVICE"},
                 {"SCHED"},
                 {"", Align::Right},
                 {"", Align::Right},
                 {"", Align::Right},
                 {"STATE"},
                 {"USABLE"},
                 {"QUORUM", Align::Right, true}});
  layout.second_header({"  -> SERVER", "ADDRESS", "FWD", "WEIGHT", "ACTIVE", "INACT", "STATE", "LAST CHECK", ""});
  for (const auto* s : services) {
    layout.add({s->name, first_listener(*s), scheduler_text(*s), "", "", "", state_cell(s->state, view), usable(*s),
                fmt::format("{}", s->quorum)});
    for (std::size_t i = s->fwmark != 0 ? 0 : 1; i < s->listeners.size(); ++i)
      layout.add({"", listener_text(s->listeners[i])});
    for (const auto& server : s->servers) {
      const auto* check = telling_check(server, checks);
      layout.add({arrow_name(server), address_text(server.address), server.method, weight_text(server, view),
                  count(server.active_connections, view), count(server.inactive_connections, view),
                  state_cell(server, check, view), last_check(server, check)});
    }
  }
  return layout.table(view);
}

std::string render_servers(const std::vector<ServerRef>& servers, const healthcheck::Status& checks, const View& view) {
  if (servers.empty() && !view.csv) return "no real server configured\n";
  Layout layout({{"SERVER"},
                 {"ADDRESS"},
                 {"FWD"},
                 {"WEIGHT", Align::Right},
                 {"ACTIVE", Align::Right},
                 {"INACT", Align::Right},
                 {"STATE"},
                 {"CONNS", Align::Right, true},
                 {"IN PKTS", Align::Right, true},
                 {"OUT PKTS", Align::Right, true},
                 {"LAST CHECK"},
                 {"OVERRIDE", Align::Left, true}});
  for (const auto& ref : servers) {
    const auto& s = *ref.server;
    const auto* check = telling_check(s, checks);
    layout.add({ref.name(), address_text(s.address), s.method, weight_text(s, view), count(s.active_connections, view),
                count(s.inactive_connections, view), state_cell(s, check, view), count(s.statistics.connections, view),
                count(s.statistics.in_packets, view), count(s.statistics.out_packets, view), last_check(s, check),
                s.overridden});
  }
  return layout.text(view);
}

std::string render_totals(const Services& services, const View& view) {
  const auto numbers = [&](const ipvs::Statistics& s) {
    return std::vector<std::string>{count(s.connections, view), count(s.in_packets, view), count(s.out_packets, view),
                                    count(s.in_bytes, view), count(s.out_bytes, view)};
  };
  return render_numbers(services, {"CONNS", "IN PKTS", "OUT PKTS", "IN BYTES", "OUT BYTES"}, numbers, view);
}

std::string render_rates(const Services& services, const View& view) {
  const auto bits = [&](std::uint64_t bytes) {
    if (view.csv) return fmt::format("{}", bytes * 8);
    auto text = scaled(bytes * 8);
    if (text.back() == ' ') text.pop_back();
    return text;
  };
  const auto numbers = [&](const ipvs::Statistics& s) {
    return std::vector<std::string>{count(s.connections_per_second, view), count(s.in_packets_per_second, view),
                                    count(s.out_packets_per_second, view), bits(s.in_bytes_per_second),
                                    bits(s.out_bytes_per_second)};
  };
  return render_numbers(services, {"CPS", "IN PPS", "OUT PPS", "IN BIT/S", "OUT BIT/S"}, numbers, view);
}

}  // namespace lvsd::ctl

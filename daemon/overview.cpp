#include "daemon/overview.hpp"

#include <algorithm>
#include <cctype>
#include <map>

#include <fmt/format.h>

#include "base/time.hpp"
#include "ipvs/remaining.hpp"

namespace lvsd::daemon {
namespace {

using ipvs::ServerState;
using ipvs::ServiceState;
using vrrp::Role;

// Worst first: what stops traffic or hides the truth, then what weakens, then what only asks to be looked at.
enum class Rank { Room, ServiceDown, Vrrp, Interface, Reload, Sorry, Server, Service, Override, Other };

struct Ranked {
  Rank rank;
  Attention attention;
};

using Health = std::map<std::string, const healthcheck::TargetStatus*>;

const char* role_name(Role role) {
  switch (role) {
    case Role::init:
      return "init";
    case Role::backup:
      return "backup";
    case Role::master:
      return "master";
    case Role::fault:
      return "fault";
  }
  return "";
}

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

void note_rooms(const Situation& situation, std::vector<Ranked>& out) {
  for (const auto& room : situation.rooms) {
    if (room.state != "restarting") continue;
    out.push_back({Rank::Room,
                   {"FAULT", "room " + room.name, room.since_unix_ms, "not running: " + room.last_exit,
                    "journalctl -u lvsd -n 50"}});
  }
  for (const auto& refusal : situation.refusals) {
    const auto colon = refusal.find(": ");
    out.push_back(
        {Rank::Room,
         {"FAULT", "room " + refusal.substr(0, colon), 0,
          "does not accept the configuration in force: " + refusal.substr(colon + 2), "journalctl -u lvsd -n 50"}});
  }
}

void note_reload(const Situation& situation, std::vector<Ranked>& out) {
  const auto& config = situation.config;
  if (config.last_reload_ok) return;
  out.push_back({Rank::Reload,
                 {"WARN", "config", config.last_reload_unix_ms,
                  fmt::format("the last reload failed, {} is still in force: {}", config.fingerprint,
                              first_line(config.last_reload_error)),
                  "lvsctl config check " + config.path}});
}

void note_vrrp(const vrrp::Status& status, std::vector<Ranked>& out) {
  for (const auto& instance : status.instances) {
    if (instance.pause == "flap hold-down") {
      out.push_back({Rank::Vrrp,
                     {"WARN", "vrrp " + instance.name, 0,
                      fmt::format("flaps: lost its role {} times in short order, waits another {}", instance.losses,
                                  base::format_age(std::chrono::milliseconds{instance.pause_left_ms})),
                      "lvsctl vrrp " + instance.name}});
    }
    for (const auto& alarm : instance.alarms)
      out.push_back(
          {Rank::Vrrp,
           {"WARN", "vrrp " + instance.name, alarm.since_unix_ms, alarm.text, "lvsctl vrrp " + instance.name}});
    if (instance.role != Role::fault || !status.maintenance.empty()) continue;  // note_maintenance tells it
    out.push_back(
        {Rank::Vrrp,
         {"FAULT", "vrrp " + instance.name, instance.since_unix_ms, instance.reason, "lvsctl vrrp " + instance.name}});
  }
}

void note_interfaces(const ipvs::Table& table, std::vector<Ranked>& out) {
  for (const auto& interface : table.interfaces) {
    if (interface.problem.empty()) continue;
    out.push_back({Rank::Interface, {"FAULT", "interface " + interface.name, 0, interface.problem, "lvsctl drops"}});
  }
}

// Why a server is down, from the checks it depends on; the one that is down the longest speaks.
Attention server_down(const std::string& service, const ipvs::ServerStatus& server, const Health& health) {
  const std::string subject = service + "/" + server.name;
  Attention attention{"DOWN", subject, 0, "its check fails", "lvsctl checks " + subject};
  for (const auto& id : server.checks) {
    const auto found = health.find(id);
    if (found == health.end() || found->second->verdict != healthcheck::Verdict::down) continue;
    const auto& target = *found->second;
    if (attention.since_unix_ms != 0 && attention.since_unix_ms <= target.since_unix_ms) continue;
    attention.since_unix_ms = target.since_unix_ms;
    attention.text = target.down_reason.empty() ? target.last_result : target.down_reason;
  }
  return attention;
}

std::string usable(const ipvs::ServiceStatus& service) {
  const auto count = [&](auto wanted) { return std::count_if(service.servers.begin(), service.servers.end(), wanted); };
  const auto real = count([](const auto& s) {
    const bool removed = s.state == ServerState::drain && s.overridden.empty();
    return s.state != ServerState::sorry && !removed;
  });
  const auto up = count([](const auto& s) { return s.state == ServerState::up; });
  const auto hysteresis = service.hysteresis == 0 ? "" : fmt::format(" ± {}", service.hysteresis);
  return fmt::format("{} of {} servers usable, quorum {}{}", up, real, service.quorum, hysteresis);
}

// Why servers stay in use although all of the service fail.
Attention kept_servers(const ipvs::ServiceStatus& service) {
  std::string names;
  for (const auto& server : service.servers) {
    if (server.kept) names += (names.empty() ? "" : ", ") + server.name;
  }
  const auto text =
      service.all_down == "auto"
          ? fmt::format("all fell silent with most others: own network lost? Kept in use: {}", names)
          : fmt::format("every server fails its checks; kept in use (all_down = {}): {}", service.all_down, names);
  return {"WARN", service.name, 0, text, "lvsctl vs " + service.name};
}

void note_full_servers(const ipvs::ServiceStatus& service, std::vector<Ranked>& out) {
  for (const auto& server : service.servers) {
    if (!server.overloaded || server.state != ServerState::up) continue;
    const auto subject = service.name + "/" + server.name;
    out.push_back({Rank::Other,
                   {"WARN", subject, 0,
                    fmt::format("full: {} of max_connections {}, gets no new ones",
                                server.active_connections + server.inactive_connections, server.max_connections),
                    "lvsctl rs " + subject}});
  }
}

void note_services(const ipvs::Table& table, const Health& health, std::vector<Ranked>& out) {
  for (const auto& service : table.services) {
    const std::string command = "lvsctl vs " + service.name;
    note_full_servers(service, out);
    if (service.state == ServiceState::down) {
      out.push_back({Rank::ServiceDown, {"DOWN", service.name, 0, "nobody answers: " + usable(service), command}});
    } else if (service.state == ServiceState::sorry) {
      out.push_back({Rank::Sorry, {"WARN", service.name, 0, "the sorry server answers: " + usable(service), command}});
    }
    const bool keeps =
        std::any_of(service.servers.begin(), service.servers.end(), [](const auto& s) { return s.kept; });
    if (keeps) out.push_back({Rank::ServiceDown, kept_servers(service)});
    bool explained = service.state != ServiceState::degraded || keeps;
    for (const auto& server : service.servers) {
      explained = explained || !server.overridden.empty();  // note_overrides tells them
      if (server.state != ServerState::down) continue;
      out.push_back({Rank::Server, server_down(service.name, server, health)});
      explained = true;
    }
    if (!explained) out.push_back({Rank::Service, {"WARN", service.name, 0, "degraded: " + usable(service), command}});
  }
}

// "41 connections left · alice: kernel upgrade"
std::string override_text(const OverrideStatus& o, const ipvs::Table* table) {
  std::string text;
  const auto slash = o.server.find('/');
  for (const auto& service : table ? table->services : std::vector<ipvs::ServiceStatus>{}) {
    if (service.name != o.server.substr(0, slash)) continue;
    for (const auto& server : service.servers) {
      if (server.name != o.server.substr(slash + 1) || server.overridden.empty()) continue;
      const auto left = ipvs::remaining_connections(service, server);
      if (o.kind == "weight") {
        text = fmt::format("weight {} instead of {}", o.weight, server.weight);
      } else {
        text = fmt::format("{} connection{} left", left, left == 1 ? "" : "s");
      }
    }
  }
  text += fmt::format("{}by {}", text.empty() ? "" : ", ", o.by);
  if (o.until_unix_ms != 0) {
    const auto lasts = std::chrono::milliseconds{std::max<std::int64_t>(0, o.until_unix_ms - o.since_unix_ms)};
    text += fmt::format(", for {}", base::format_age(lasts));
  }
  return o.reason.empty() ? text : fmt::format("{}: {}", text, o.reason);
}

void note_maintenance(const OverrideList& list, std::vector<Ranked>& out) {
  const auto& m = list.maintenance;
  if (!m.on) return;
  auto text = fmt::format("no VRRP instance is or becomes master here, by {}", m.by);
  if (m.until_unix_ms != 0) {
    const auto lasts = std::chrono::milliseconds{std::max<std::int64_t>(0, m.until_unix_ms - m.since_unix_ms)};
    text += fmt::format(", for {}", base::format_age(lasts));
  }
  if (!m.reason.empty()) text += ": " + m.reason;
  out.push_back({Rank::Override, {"MAINT", "lvsd", m.since_unix_ms, text, "lvsctl maintenance off"}});
}

void note_overrides(const OverrideList& list, const ipvs::Table* table, std::vector<Ranked>& out) {
  for (const auto& o : list.overrides) {
    const auto command = o.kind == "weight" ? fmt::format("lvsctl weight {} default", o.server)
                                            : fmt::format("lvsctl enable {}", o.server);
    out.push_back({Rank::Override,
                   {upper(o.kind), o.server, o.since_unix_ms, override_text(o, table),
                    o.kind == "drain" ? "lvsctl undrain " + o.server : command}});
  }
}

void count_table(const ipvs::Table& table, Overview& out) {
  for (const auto& service : table.services) {
    switch (service.state) {
      case ServiceState::ok:
        ++out.services_ok;
        break;
      case ServiceState::degraded:
        ++out.services_degraded;
        break;
      case ServiceState::sorry:
        ++out.services_sorry;
        break;
      case ServiceState::down:
        ++out.services_down;
        break;
    }
    for (const auto& server : service.servers) {
      switch (server.state) {
        case ServerState::up:
          ++out.servers_up;
          break;
        case ServerState::down:
          ++out.servers_down;
          break;
        case ServerState::unknown:
          ++out.servers_unknown;
          break;
        case ServerState::drain:
          ++out.servers_drain;
          break;
        case ServerState::disabled:
          ++out.servers_disabled;
          break;
        case ServerState::sorry:
          break;
      }
    }
    out.connections_per_second += service.statistics.connections_per_second;
    out.packets_per_second += service.statistics.in_packets_per_second + service.statistics.out_packets_per_second;
    out.bytes_per_second += service.statistics.in_bytes_per_second + service.statistics.out_bytes_per_second;
  }
  out.connections = table.connection_entries;
}

}  // namespace

Overview overview(const Situation& situation, const Snapshot& snapshot) {
  Overview out;
  out.node = situation.node;
  out.version = situation.version;
  out.pid = situation.pid;
  out.started_unix_ms = situation.started_unix_ms;
  out.backend = snapshot.table ? snapshot.table->backend : situation.backend;
  out.config = situation.config;
  out.rooms = situation.rooms;
  out.log_lines_dropped = situation.log_lines_dropped;

  std::vector<Ranked> notes;
  note_rooms(situation, notes);
  note_reload(situation, notes);
  if (snapshot.vrrp) {
    for (const auto& i : snapshot.vrrp->instances) {
      out.vrrp.push_back({i.name, role_name(i.role), i.since_unix_ms, i.effective_priority});
    }
    note_vrrp(*snapshot.vrrp, notes);
  }
  if (snapshot.table) {
    Health health;
    if (snapshot.healthcheck) {
      for (const auto& target : snapshot.healthcheck->targets) health[target.id] = &target;
    }
    count_table(*snapshot.table, out);
    note_services(*snapshot.table, health, notes);
    note_interfaces(*snapshot.table, notes);
  }
  note_maintenance(situation.overrides, notes);
  note_overrides(situation.overrides, snapshot.table ? &*snapshot.table : nullptr, notes);
  for (const auto& problem : situation.problems)
    notes.push_back({Rank::Other, {"WARN", "lvsd", 0, problem, "lvsctl status"}});
  std::stable_sort(notes.begin(), notes.end(), [](const Ranked& a, const Ranked& b) { return a.rank < b.rank; });
  for (auto& note : notes) out.attention.push_back(std::move(note.attention));
  return out;
}

std::string status_line(const Overview& overview) {
  std::vector<std::string> parts;
  std::map<std::string, std::string> by_role;  // sorted: backup, fault, init, master
  for (const auto& instance : overview.vrrp) {
    auto& names = by_role[instance.role];
    names += (names.empty() ? "" : ",") + instance.instance;
  }
  for (const char* role : {"master", "backup", "fault", "init"}) {
    if (by_role.contains(role)) parts.push_back(upper(role) + " " + by_role[role]);
  }
  const auto services =
      overview.services_ok + overview.services_degraded + overview.services_sorry + overview.services_down;
  if (services > 0) parts.push_back(fmt::format("{}/{} services ok", overview.services_ok, services));
  if (overview.servers_down > 0) {
    parts.push_back(fmt::format("{} server{} down", overview.servers_down, overview.servers_down == 1 ? "" : "s"));
  }
  for (const auto& room : overview.rooms) {
    if (room.state == "restarting") parts.push_back(fmt::format("room {} not running", room.name));
  }
  if (!overview.config.last_reload_ok) parts.push_back("last reload failed");
  return fmt::format("{}", fmt::join(parts, " · "));
}

}  // namespace lvsd::daemon

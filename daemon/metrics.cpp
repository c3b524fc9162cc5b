#include "daemon/metrics.hpp"

#include <array>

#include <boost/describe/enum_to_string.hpp>
#include <fmt/format.h>

namespace lvsd::daemon {
namespace {

// Backslash, double quote and line feed are escaped in label values (exposition format, "Comments, help text, and type
// information").
std::string escape(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out;
}

std::string series(std::string_view name, const Labels& labels) {
  std::string out{name};
  if (labels.empty()) return out;
  out += '{';
  for (const auto& [key, value] : labels) {
    if (out.back() != '{') out += ',';
    out += fmt::format("{}=\"{}\"", key, escape(value));
  }
  return out + '}';
}

double seconds(std::int64_t unix_ms) { return static_cast<double>(unix_ms) / 1000.0; }

// One 0/1 series per state.
template <class State, std::size_t N>
void states(Exposition& out, std::string_view name, std::string_view help, const Labels& labels, State now,
            const std::array<std::pair<State, const char*>, N>& all) {
  for (const auto& [state, word] : all) {
    Labels with = labels;
    with.emplace_back("state", word);
    out.gauge(name, help, with, state == now ? 1 : 0);
  }
}

void add_process(Exposition& out, const Situation& s) {
  out.gauge("lvsd_build_info", "Version and backend.", {{"version", s.version}, {"backend", s.backend}}, 1);
  out.gauge("lvsd_start_time_seconds", "When lvsd started, unix time.", {}, seconds(s.started_unix_ms));
  out.gauge("lvsd_config_info", "Fingerprint of the configuration in force.", {{"hash", s.config.fingerprint}}, 1);
  out.gauge("lvsd_config_last_reload_successful", "Whether the last reload was accepted.", {},
            s.config.last_reload_ok ? 1 : 0);
  out.gauge("lvsd_config_last_reload_success_timestamp_seconds",
            "When the configuration in force was loaded, unix time.", {}, seconds(s.config.loaded_unix_ms));
  out.counter("lvsd_log_lines_dropped_total", "Log lines that the reader of the log was too slow for.", {},
              s.log_lines_dropped);
  out.counter("lvsd_events_dropped_total", "Events that the FIFO's reader or a notify program was too slow for.", {},
              s.events_dropped);
  out.gauge("lvsd_maintenance", "Whether this director is kept from being master.", {},
            s.overrides.maintenance.on ? 1 : 0);
  for (const auto& o : s.overrides.overrides) {
    out.gauge("lvsd_override_active", "1 while an operator's override is in force.",
              {{"target", o.server}, {"kind", o.kind}}, 1);
  }
  for (const auto& [server, count] : s.transitions) {
    const auto slash = server.first.find('/');
    out.counter("lvsd_server_transitions_total", "Changes of the real server's state.",
                {{"service", server.first.substr(0, slash)},
                 {"server", server.first.substr(slash + 1)},
                 {"to", name(server.second)}},
                count);
  }
  for (const auto& room : s.rooms) {
    out.gauge("lvsd_room_up", "Whether the room's process runs.", {{"room", room.name}},
              room.state == "restarting" ? 0 : 1);
    out.counter("lvsd_room_restarts_total", "Times the room died and was started again.", {{"room", room.name}},
                room.restarts);
  }
}

void add_instance(Exposition& out, const vrrp::InstanceStatus& i) {
  using vrrp::Role;
  constexpr std::array roles{std::pair{Role::init, "init"}, std::pair{Role::backup, "backup"},
                             std::pair{Role::master, "master"}, std::pair{Role::fault, "fault"}};
  const Labels name{{"instance", i.name}};
  states(out, "lvsd_vrrp_state", "Role of the VRRP instance.", name, i.role, roles);
  out.gauge("lvsd_vrrp_info", "Constant facts of the VRRP instance.",
            {{"instance", i.name}, {"interface", i.interface}, {"vrid", std::to_string(i.virtual_router_id)}}, 1);
  for (const auto& alarm : i.alarms) {
    out.gauge("lvsd_vrrp_alarm", "1 for two minutes after something was wrong around the instance.",
              {{"instance", i.name}, {"kind", boost::describe::enum_to_string(alarm.kind, "unknown")}}, 1);
  }
  for (const auto& track : i.tracks) {
    out.gauge("lvsd_vrrp_track_failing", "Whether a track of the instance fails.",
              {{"instance", i.name}, {"track", track.name}}, track.failing ? 1 : 0);
  }
  out.gauge("lvsd_vrrp_priority", "Configured priority.", name, i.priority);
  out.gauge("lvsd_vrrp_effective_priority", "Priority after tracking.", name, i.effective_priority);
  out.gauge("lvsd_vrrp_last_transition_timestamp_seconds", "When the role changed last, unix time.", name,
            seconds(i.since_unix_ms));
  out.counter("lvsd_vrrp_transitions_total", "Role changes.", name, i.transitions);
  out.counter("lvsd_vrrp_advertisements_sent_total", "Advertisements sent.", name, i.adverts_sent);
  out.counter("lvsd_vrrp_advertisements_received_total", "Advertisements accepted.", name, i.adverts_received);
  for (const auto& discard : i.discarded) {
    out.counter("lvsd_vrrp_advertisement_errors_total", "Advertisements discarded, by reason.",
                {{"instance", i.name}, {"reason", discard.reason}}, discard.packets);
  }
  out.gauge("lvsd_vrrp_advertisement_worst_lateness_seconds",
            "Worst lateness of our own advertisements since becoming master.", name,
            static_cast<double>(i.worst_lateness_us) / 1e6);
  out.counter("lvsd_vrrp_gratuitous_arp_sent_total", "Gratuitous ARP frames sent.", name, i.gratuitous_arps_sent);
  out.counter("lvsd_vrrp_addresses_restored_total",
              "Virtual addresses that somebody else removed and that were put back.", name, i.addresses_restored);
}

// Packets and bytes of a service or a server, by direction.
void add_traffic(Exposition& out, const std::string& prefix, const Labels& labels, const ipvs::Statistics& s) {
  const auto both = [&](const char* what, std::uint64_t in, std::uint64_t to_client) {
    for (const auto& [direction, value] : {std::pair{"in", in}, std::pair{"out", to_client}}) {
      Labels with = labels;
      with.emplace_back("direction", direction);
      out.counter(fmt::format("{}_{}_total", prefix, what), fmt::format("Forwarded {}.", what), with, value);
    }
  };
  out.counter(prefix + "_connections_total", "Connections scheduled.", labels, s.connections);
  both("packets", s.in_packets, s.out_packets);
  both("bytes", s.in_bytes, s.out_bytes);
}

void add_server(Exposition& out, const std::string& service, const ipvs::ServerStatus& server) {
  using ipvs::ServerState;
  constexpr std::array all{std::pair{ServerState::up, "up"},
                           std::pair{ServerState::down, "down"},
                           std::pair{ServerState::unknown, "unknown"},
                           std::pair{ServerState::drain, "drain"},
                           std::pair{ServerState::disabled, "disabled"},
                           std::pair{ServerState::sorry, "sorry"}};
  const Labels name{{"service", service}, {"server", server.name}};
  Labels info = name;
  info.emplace_back("address", server.address.address.to_string());
  info.emplace_back("port", std::to_string(server.address.port));
  info.emplace_back("forward", server.method);
  out.gauge("lvsd_server_info", "Constant facts of the real server; port 0: the client's.", info, 1);
  states(out, "lvsd_server_state", "State of the real server.", name, server.state, all);
  out.gauge("lvsd_server_weight", "Configured weight.", name, server.weight);
  out.gauge("lvsd_server_effective_weight", "Weight in force.", name, server.effective_weight);
  out.gauge("lvsd_server_connections_active", "Established connections.", name,
            static_cast<double>(server.active_connections));
  out.gauge("lvsd_server_connections_inactive", "Connections opening or closing.", name,
            static_cast<double>(server.inactive_connections));
  out.gauge("lvsd_server_overloaded", "1 while the server has as many connections as it may.", name,
            server.overloaded ? 1 : 0);
  out.gauge("lvsd_server_kept", "1 while the server is used although it fails, as all of its service do.", name,
            server.kept ? 1 : 0);
  out.gauge("lvsd_server_slow_start_ratio", "Part of its weight that the server has; below 1 while it comes into use.",
            name, static_cast<double>(server.slow_start_percent) / 100.0);
  out.counter("lvsd_server_unanswered_connections_total", "NAT connections that the server never answered.", name,
              server.unanswered_connections);
  add_traffic(out, "lvsd_server", name, server.statistics);
}

void add_service(Exposition& out, const ipvs::ServiceStatus& service) {
  using ipvs::ServiceState;
  constexpr std::array all{std::pair{ServiceState::ok, "ok"}, std::pair{ServiceState::degraded, "degraded"},
                           std::pair{ServiceState::sorry, "sorry"}, std::pair{ServiceState::down, "down"}};
  const Labels name{{"service", service.name}};
  for (const auto& listener : service.listeners) {
    out.gauge("lvsd_service_info", "Constant facts of the virtual server, one series per listener.",
              {{"service", service.name},
               {"address", listener.address.address.to_string()},
               {"port", std::to_string(listener.address.port)},
               {"protocol", listener.protocol},
               {"scheduler", service.scheduler}},
              1);
  }
  states(out, "lvsd_service_state", "State of the virtual server.", name, service.state, all);
  std::uint64_t active = 0;
  std::uint64_t inactive = 0;
  for (const auto& server : service.servers) {
    active += server.active_connections;
    inactive += server.inactive_connections;
  }
  out.gauge("lvsd_service_usable_weight", "Sum of the weights of the usable servers.", name,
            static_cast<double>(service.usable_weight));
  out.gauge("lvsd_service_quorum", "Least sum of the weights of usable servers.", name, service.quorum);
  out.gauge("lvsd_service_short_of_quorum", "1 while the service has lost its quorum.", name,
            service.short_of_quorum ? 1 : 0);
  out.gauge("lvsd_service_connections_active", "Established connections.", name, static_cast<double>(active));
  out.gauge("lvsd_service_connections_inactive", "Connections opening or closing.", name,
            static_cast<double>(inactive));
  add_traffic(out, "lvsd_service", name, service.statistics);
  for (const auto& server : service.servers) add_server(out, service.name, server);
}

void add_checks(Exposition& out, const ipvs::Table& table, const healthcheck::Status& status) {
  std::map<std::string, const healthcheck::TargetStatus*> targets;
  for (const auto& target : status.targets) targets[target.id] = &target;
  for (const auto& service : table.services) {
    for (const auto& server : service.servers) {
      for (const auto& id : server.checks) {
        const auto found = targets.find(id);
        if (found == targets.end()) continue;
        const auto& t = *found->second;
        const Labels name{{"service", service.name}, {"server", server.name}, {"check", t.check}};
        out.gauge("lvsd_check_result", "Verdict: 1 up, 0 down or not known yet.", name,
                  t.verdict == healthcheck::Verdict::up ? 1 : 0);
        out.gauge("lvsd_check_duration_seconds", "How long the last check took.", name,
                  static_cast<double>(t.last_latency_us) / 1e6);
        if (t.certificate_expires_unix_ms != 0) {
          out.gauge("lvsd_check_certificate_expires_timestamp_seconds", "End of the server's certificate.", name,
                    static_cast<double>(t.certificate_expires_unix_ms) / 1e3);
        }
        out.counter("lvsd_check_passes_total", "Checks passed.", name, t.passed);
        out.counter("lvsd_check_failures_total", "Checks failed.", name, t.failed);
      }
    }
  }
}

void add_engine(Exposition& out, const ipvs::Table& table) {
  for (const auto& i : table.interfaces) {
    const Labels name{{"interface", i.name}};
    out.counter("lvsd_engine_rx_packets_total", "Packets handed to the engine.", name, i.received);
    out.counter("lvsd_engine_tx_packets_total", "Packets sent by the engine.", name, i.sent);
    out.counter("lvsd_engine_ring_full_total", "Packets dropped because the engine was behind.", name,
                i.receive_ring_full);
    out.counter("lvsd_engine_tagged_frames_total", "Frames of VLANs, which pass to the kernel.", name, i.tagged);
    out.gauge("lvsd_engine_interface_problem", "1 while the interface does not forward.", name,
              i.problem.empty() ? 0 : 1);
  }
  out.gauge("lvsd_engine_conn_entries", "Connections in the table.", {}, static_cast<double>(table.connection_entries));
  out.gauge("lvsd_engine_conn_capacity", "Connections that fit.", {}, static_cast<double>(table.connection_capacity));
  out.gauge("lvsd_engine_conn_memory_bytes", "Memory of the connection table.", {},
            static_cast<double>(table.connection_memory_bytes));
  out.gauge("lvsd_engine_fast_path_flows", "Directions of connections that pass within the XDP program.", {},
            static_cast<double>(table.fast_path_flows));
  out.gauge("lvsd_engine_fast_path_capacity", "Flows of the fast path that fit.", {},
            static_cast<double>(table.fast_path_capacity));
  out.counter("lvsd_engine_fast_path_packets_total", "Packets forwarded within the XDP program.", {},
              table.fast_path_packets);
  out.counter("lvsd_engine_fast_path_refused_total", "Flows for which the fast path had no place.", {},
              table.fast_path_refused);
  for (std::size_t i = 0; i < table.workers.size(); ++i) {
    const Labels worker{{"worker", fmt::format("{}", i)}};
    out.gauge("lvsd_engine_worker_conn_entries", "Connections of the worker.", worker,
              static_cast<double>(table.workers[i].connection_entries));
    out.counter("lvsd_engine_worker_packets_total", "Packets that the worker decided on.", worker,
                table.workers[i].packets);
    out.counter("lvsd_engine_worker_handed_over_total", "Packets that came to the worker and belong to another.",
                worker, table.workers[i].handed_over);
  }
}

void add_multicast(Exposition& out, const ipvs::MulticastStatus& m) {
  const auto role = [&](std::string_view word, bool on) {
    out.gauge("lvsd_sync_multicast_role", "1 while connections are told (master), heard (backup), by IPVS's protocol.",
              {{"role", std::string{word}}}, on ? 1 : 0);
  };
  role("master", m.tells);
  role("backup", m.hears);
  if (!m.counted) return;
  const auto result = [&](std::string_view word, std::uint64_t number) {
    out.counter("lvsd_sync_multicast_connections_total", "Connections told and heard, by what became of them.",
                {{"result", std::string{word}}}, number);
  };
  result("told", m.told);
  result("not_told", m.not_told);
  result("taken", m.taken);
  result("older", m.older);
  result("unknown_server", m.unknown_server);
  result("refused", m.refused);
  result("not_possible", m.not_possible);
  const auto discarded = [&](std::string_view word, std::uint64_t number) {
    out.counter("lvsd_sync_multicast_discarded_messages_total", "Messages without effect.",
                {{"reason", std::string{word}}}, number);
  };
  discarded("malformed", m.malformed_messages);
  discarded("other_id", m.other_id_messages);
  discarded("unsent", m.unsent_messages);
}

void add_sync(Exposition& out, const ipvs::SyncStatus& sync) {
  if (!sync.configured) return;
  if (sync.multicast) return add_multicast(out, *sync.multicast);
  out.gauge("lvsd_sync_in_step", "1 while all that the peers know of connections is here.", {}, sync.in_step ? 1 : 0);
  out.counter("lvsd_sync_strangers_total", "Streams refused: of no peer, or without the secret.", {}, sync.strangers);
  for (const auto& p : sync.peers) {
    const Labels peer{{"peer", p.peer.to_string()}};
    const auto records = [&](std::string_view result, std::uint64_t number) {
      out.counter("lvsd_sync_heard_records_total", "Records that the peer told, by what became of them.",
                  {{"peer", p.peer.to_string()}, {"result", std::string{result}}}, number);
    };
    out.gauge("lvsd_sync_telling_in_step", "1 while the peer is told of every change.", peer,
              p.telling == ipvs::SyncStage::in_step ? 1 : 0);
    out.gauge("lvsd_sync_lag_records", "Records told and not confirmed yet.", peer, static_cast<double>(p.lag));
    out.counter("lvsd_sync_dropped_records_total", "Records a slow peer was not told one by one.", peer, p.dropped);
    records("taken", p.taken);
    records("older", p.older);
    records("unknown_server", p.unknown_server);
    records("refused", p.refused);
  }
}

}  // namespace

std::string& Exposition::family(std::string_view name, std::string_view help, std::string_view type) {
  const auto found = index_.find(name);
  if (found != index_.end()) return families_[found->second];
  index_.emplace(name, families_.size());
  return families_.emplace_back(fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type));
}

void Exposition::gauge(std::string_view name, std::string_view help, const Labels& labels, double value) {
  // Shortest form that reads back exactly; whole numbers without an exponent.
  const bool whole = value > -9e15 && value < 9e15 && value == static_cast<double>(static_cast<std::int64_t>(value));
  const auto number = whole ? fmt::format("{}", static_cast<std::int64_t>(value)) : fmt::format("{}", value);
  family(name, help, "gauge") += fmt::format("{} {}\n", series(name, labels), number);
}

void Exposition::counter(std::string_view name, std::string_view help, const Labels& labels, std::uint64_t value) {
  family(name, help, "counter") += fmt::format("{} {}\n", series(name, labels), value);
}

std::string Exposition::text() const { return fmt::format("{}", fmt::join(families_, "")); }

std::string metrics(const Situation& situation, const Snapshot& snapshot) {
  Exposition out;
  add_process(out, situation);
  if (snapshot.vrrp) {
    for (const auto& instance : snapshot.vrrp->instances) add_instance(out, instance);
  }
  if (snapshot.table) {
    for (const auto& service : snapshot.table->services) add_service(out, service);
    if (snapshot.healthcheck) add_checks(out, *snapshot.table, *snapshot.healthcheck);
    add_engine(out, *snapshot.table);
  }
  if (snapshot.drops) {
    for (const auto& reason : snapshot.drops->reasons) {
      out.counter("lvsd_engine_drops_total", "Packets not forwarded, by reason.", {{"reason", reason.reason}},
                  reason.packets);
    }
  }
  if (snapshot.sync) add_sync(out, *snapshot.sync);
  return out.text();
}

}  // namespace lvsd::daemon

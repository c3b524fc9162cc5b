// The HTTP/JSON API's own values, served on /run/lvsd/lvsd.sock (read-write), ro.sock and [status] listen (read-only):
//   GET  /api/v1/status       Overview
//   GET  /api/v1/vrrp         vrrp::Status
//   GET  /api/v1/checks       healthcheck::Status
//   GET  /api/v1/table        ipvs::Table
//   GET  /api/v1/connections  ipvs::Connections   ?service= &server= &client= &limit=
//   GET  /api/v1/drops        ipvs::Drops
//   GET  /api/v1/config       the running Sources {node, fingerprint, files: [{path, text}]}
//   POST /api/v1/reload       ReloadResult
//   GET  /metrics             Prometheus text
//   GET  /healthz /readyz     200 or 503
// Every JSON answer is one object with "schema": 1 and "generated_at" (RFC 3339) beside the value's members; an error
// is
// {"error": {"code", "message", "hint"}} with a fitting status. Members are only ever added.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <boost/describe/class.hpp>

namespace lvsd::daemon {

struct RoomStatus {
  std::string name;   // "vrrp", "healthcheck", "ipvs"
  std::string state;  // "running", "starting", "restarting"
  std::int64_t pid = 0;
  std::uint64_t restarts = 0;  // since lvsd started
  std::int64_t since_unix_ms = 0;
  std::int64_t last_beat_age_ms = -1;
  std::string last_exit;  // "killed by signal 9, 4s ago"; "" never
};
BOOST_DESCRIBE_STRUCT(RoomStatus, (), (name, state, pid, restarts, since_unix_ms, last_beat_age_ms, last_exit))

struct ConfigStatus {
  std::string path;
  std::string fingerprint;  // in force
  std::int64_t loaded_unix_ms = 0;
  bool last_reload_ok = true;
  std::int64_t last_reload_unix_ms = 0;
  std::string last_reload_error;  // rendered diagnostics; "" when ok
};
BOOST_DESCRIBE_STRUCT(ConfigStatus, (),
                      (path, fingerprint, loaded_unix_ms, last_reload_ok, last_reload_unix_ms, last_reload_error))

struct Attention {
  std::string level;    // "DOWN", "FAULT", "WARN"
  std::string subject;  // "web/rs2"
  std::int64_t since_unix_ms = 0;
  std::string text;     // "HTTP 503 from http://10.0.0.12/healthz, expected 200-299"
  std::string command;  // what to run next: "lvsctl checks web/rs2"
};
BOOST_DESCRIBE_STRUCT(Attention, (), (level, subject, since_unix_ms, text, command))

struct VrrpSummary {
  std::string instance;
  std::string role;
  std::int64_t since_unix_ms = 0;
  std::uint32_t effective_priority = 0;
};
BOOST_DESCRIBE_STRUCT(VrrpSummary, (), (instance, role, since_unix_ms, effective_priority))

struct Overview {
  std::string node;
  std::string version;
  std::int64_t pid = 0;
  std::int64_t started_unix_ms = 0;
  std::string backend;
  ConfigStatus config;
  std::vector<RoomStatus> rooms;
  std::vector<VrrpSummary> vrrp;
  std::uint64_t services_ok = 0, services_degraded = 0, services_sorry = 0, services_down = 0;
  std::uint64_t servers_up = 0, servers_down = 0, servers_unknown = 0, servers_drain = 0;
  std::uint64_t connections = 0;  // entries now
  std::uint64_t connections_per_second = 0;
  std::uint64_t packets_per_second = 0;
  std::uint64_t bytes_per_second = 0;
  std::uint64_t log_lines_dropped = 0;
  std::vector<Attention> attention;  // worst first
};
BOOST_DESCRIBE_STRUCT(Overview, (),
                      (node, version, pid, started_unix_ms, backend, config, rooms, vrrp, services_ok,
                       services_degraded, services_sorry, services_down, servers_up, servers_down, servers_unknown,
                       servers_drain, connections, connections_per_second, packets_per_second, bytes_per_second,
                       log_lines_dropped, attention))

struct ReloadResult {
  bool ok = false;
  std::string fingerprint;           // in force afterwards
  std::string diagnostics;           // rendered; warnings also when ok
  std::vector<std::string> changes;  // one line each
  std::int64_t took_ms = 0;
};
BOOST_DESCRIBE_STRUCT(ReloadResult, (), (ok, fingerprint, diagnostics, changes, took_ms))

}  // namespace lvsd::daemon

// The HTTP/JSON API's own values, served on /run/lvsd/lvsd.sock (read-write), ro.sock and [status] listen (read-only):
//   GET  /api/v1/status       Overview
//   GET  /api/v1/vrrp         vrrp::Status
//   GET  /api/v1/checks       healthcheck::Status
//   GET  /api/v1/table        ipvs::Table
//   GET  /api/v1/connections  ipvs::Connections   ?service= &server= &client= &limit=
//   GET  /api/v1/trace        ipvs::Trace         ?protocol= &source= &destination=
//   GET  /api/v1/listing      ipvs::Listing       the table as ipvsadm lists it
//   GET  /api/v1/drops        ipvs::Drops
//   GET  /api/v1/sync         ipvs::SyncStatus
//   GET  /api/v1/events       EventList           ?after= &limit=
//   GET  /api/v1/config       the running Sources {node, fingerprint, files: [{path, text}]}
//   GET  /api/v1/overrides    OverrideList
//   POST /api/v1/overrides    OverrideRequest in the body (members left out have their defaults) → OverrideResult; 404
//   for
//                             a server that does not exist, 409 where a service would be left without a usable server
//   POST /api/v1/checks/now   CheckRequest in the body → healthcheck::CheckedNow, when the last result is in
//   POST /api/v1/failover     FailoverRequest in the body → vrrp::FailoverDone
//   GET  /api/v1/maintenance  MaintenanceStatus
//   POST /api/v1/maintenance  MaintenanceRequest in the body → MaintenanceResult; 409 where nobody takes over
//   POST /api/v1/capture      ipvs::CaptureQuery in the body (as for overrides) → ipvs::Captured
//   POST /api/v1/reload       ReloadResult
//   GET  /                    status page, HTML
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
  std::string level;    // "DOWN", "FAULT", "WARN"; of overrides "DRAIN", "DISABLE", "WEIGHT"
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
  std::uint64_t servers_up = 0, servers_down = 0, servers_unknown = 0, servers_drain = 0, servers_disabled = 0;
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
                       servers_drain, servers_disabled, connections, connections_per_second, packets_per_second,
                       bytes_per_second, log_lines_dropped, attention))

// One thing that happened.
struct Event {
  std::uint64_t number = 0;  // from 1, in this lvsd process
  std::int64_t unix_ms = 0;
  std::string kind;     // "server", "service", "vrrp", "config", "override", "room"
  std::string subject;  // "web/rs2", "web", "front", …
  std::string before;   // state; "" where there was none
  std::string state;    // "down"; of config "loaded", "refused"; of overrides "drain", …, "" when it ended
  std::string text;     // why, who
};
BOOST_DESCRIBE_STRUCT(Event, (), (number, unix_ms, kind, subject, before, state, text))

struct EventList {
  std::uint64_t last = 0;            // number of the newest event of all
  std::int64_t started_unix_ms = 0;  // of this lvsd process: the numbers begin anew with another
  std::vector<Event> events;
};
BOOST_DESCRIBE_STRUCT(EventList, (), (last, started_unix_ms, events))

// Checks to be made at once.
struct CheckRequest {
  std::vector<std::string> targets;  // ids of healthcheck targets, at most 1,000
};
BOOST_DESCRIBE_STRUCT(CheckRequest, (), (targets))

struct ReloadResult {
  bool ok = false;
  std::string fingerprint;           // in force afterwards
  std::string diagnostics;           // rendered; warnings also when ok
  std::vector<std::string> changes;  // one line each
  std::int64_t took_ms = 0;
};
BOOST_DESCRIBE_STRUCT(ReloadResult, (), (ok, fingerprint, diagnostics, changes, took_ms))

// What an operator wants of a server otherwise than the configuration does. A server has at most one of drain and
// disable, and at most one weight.
struct OverrideStatus {
  std::string server;              // "web/rs3"
  std::string kind;                // "drain", "disable", "weight"
  std::string weight;              // of a weight: "5", "50%"; else ""
  std::string by;                  // the user's name
  std::string reason;              // may be empty
  std::int64_t since_unix_ms = 0;  // wall clock: it goes on while lvsd does not run
  std::int64_t until_unix_ms = 0;  // 0: until it is removed
  friend bool operator==(const OverrideStatus&, const OverrideStatus&) = default;
};
BOOST_DESCRIBE_STRUCT(OverrideStatus, (), (server, kind, weight, by, reason, since_unix_ms, until_unix_ms))

// While on, no VRRP instance of this director is or becomes master.
struct MaintenanceStatus {
  bool on = false;
  std::string by;
  std::string reason;              // may be empty
  std::int64_t since_unix_ms = 0;  // wall clock
  std::int64_t until_unix_ms = 0;  // 0: until it is ended
  friend bool operator==(const MaintenanceStatus&, const MaintenanceStatus&) = default;
};
BOOST_DESCRIBE_STRUCT(MaintenanceStatus, (), (on, by, reason, since_unix_ms, until_unix_ms))

struct OverrideList {
  std::vector<OverrideStatus> overrides;  // by server, then in the order of their making
  MaintenanceStatus maintenance = {};
  friend bool operator==(const OverrideList&, const OverrideList&) = default;
};
BOOST_DESCRIBE_STRUCT(OverrideList, (), (overrides, maintenance))

struct FailoverRequest {
  std::vector<std::string> instances;  // none: all
  std::string reason;                  // at most 256 bytes of text
};
BOOST_DESCRIBE_STRUCT(FailoverRequest, (), (instances, reason))

struct MaintenanceRequest {
  bool on = false;
  std::int64_t for_ms = 0;  // 0: until it is ended
  std::string reason;       // at most 256 bytes of text
  bool force = false;       // also when an instance finds no successor: its addresses are then served by nobody
};
BOOST_DESCRIBE_STRUCT(MaintenanceRequest, (), (on, for_ms, reason, force))

struct MaintenanceResult {
  MaintenanceStatus maintenance;
  std::vector<std::string> handed_over;  // "front: 10.0.0.3 has taken over", one line each
  std::vector<std::string> warnings;
};
BOOST_DESCRIBE_STRUCT(MaintenanceResult, (), (maintenance, handed_over, warnings))

struct OverrideRequest {
  std::string action;                // "drain", "undrain", "disable", "enable" (ends drain too), "weight", "clear"
  std::vector<std::string> servers;  // "web/rs3"; for clear, none means all
  std::string weight;                // of the action weight: "5", "50%", "default"
  std::int64_t for_ms = 0;           // 0: until it is removed
  std::string reason;                // at most 256 bytes of text
  bool force = false;                // also when a service is left without a usable server
  bool dry_run = false;              // say what would change
};
BOOST_DESCRIBE_STRUCT(OverrideRequest, (), (action, servers, weight, for_ms, reason, force, dry_run))

struct OverrideChange {
  std::string server;
  std::uint32_t weight_before = 0;  // in force
  std::uint32_t weight_after = 0;
  std::string overridden;          // what is wanted now, as in the table: "drain"; "" as configured
  std::int64_t until_unix_ms = 0;  // of the override made
  std::string undo;                // "lvsctl undrain web/rs3"
};
BOOST_DESCRIBE_STRUCT(OverrideChange, (), (server, weight_before, weight_after, overridden, until_unix_ms, undo))

struct OverrideResult {
  bool dry_run = false;
  std::vector<OverrideChange> changes;   // none: it was so already
  std::vector<std::string> warnings;     // "cannot be kept across a restart: …"
  std::vector<std::string> other_nodes;  // directors that were not told
};
BOOST_DESCRIBE_STRUCT(OverrideResult, (), (dry_run, changes, warnings, other_nodes))

}  // namespace lvsd::daemon

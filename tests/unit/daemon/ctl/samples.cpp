#include "tests/unit/daemon/ctl/samples.hpp"

#include <cstdlib>
#include <ctime>

#include "base/json.hpp"
#include "ipvs/listing.hpp"

namespace lvsd::ctl::test {
namespace {

constexpr std::int64_t kSecond = 1000, kMinute = 60 * kSecond, kHour = 60 * kMinute, kDay = 24 * kHour;

base::Endpoint at(std::string_view text) {
  const bool port = text.find(':') != text.npos;
  return *base::Endpoint::parse(text, port);
}

ipvs::Statistics traffic(std::uint64_t connections, std::uint64_t scale) {
  return {connections, 41'000 * scale, 0, 5'300'000 * scale, 0, connections / 1000, 212 * scale, 0, 17'500 * scale, 0};
}

ipvs::ServerStatus server(std::string name, std::string_view address, std::uint32_t weight, std::uint32_t effective,
                          ipvs::ServerState state, std::uint64_t active, std::uint64_t inactive) {
  ipvs::ServerStatus s;
  s.checks = {fmt::format("http_ok@{}", address)};
  s.name = std::move(name);
  s.address = at(address);
  s.method = "dr";
  s.weight = weight;
  s.effective_weight = effective;
  s.state = state;
  s.active_connections = active;
  s.inactive_connections = inactive;
  s.statistics = traffic(active, active / 100);
  return s;
}

healthcheck::TargetStatus target(std::string_view address, healthcheck::Verdict verdict, std::string last,
                                 std::string history) {
  healthcheck::TargetStatus t;
  t.id = fmt::format("http_ok@{}", address);
  t.check = "http_ok";
  t.type = "http";
  t.target = fmt::format("http://{}/healthz", address);
  t.verdict = verdict;
  t.since_unix_ms = kNow - 12 * kDay;
  t.last_passed = verdict == healthcheck::Verdict::up;
  t.last_result = std::move(last);
  t.last_code = t.last_passed ? "ok" : "status";
  t.last_age_ms = 1000;
  t.last_latency_us = 2140;
  t.next_in_ms = 950;
  t.rise = 2;
  t.fall = 3;
  t.interval_ms = 2000;
  t.timeout_ms = 1000;
  t.history = std::move(history);
  t.passed = 518'400;
  t.failed = 7;
  return t;
}

template <class T>
std::string body_of(const T& value) {
  auto object = boost::json::value_from(value).as_object();
  object["schema"] = 1;
  object["generated_at"] = "2026-02-18T09:20:00Z";
  return boost::json::serialize(object);
}

}  // namespace

View view() {
  ::setenv("TZ", "UTC", 1);
  ::tzset();
  View v;
  v.now_unix_ms = kNow;
  v.thousands = true;
  return v;
}

daemon::Overview overview() {
  auto o = quiet_overview();
  o.config.last_reload_ok = false;
  o.config.last_reload_unix_ms = kNow - 3 * kMinute;
  o.config.last_reload_error =
      "/etc/lvsd.conf:12:1: error: unknown key \"priorty\"\n   12 | priorty = 150\n      | ^~~~~~~\n1 error\n";
  o.rooms[1].state = "restarting";
  o.rooms[1].restarts = 2;
  o.rooms[1].last_exit = "killed by signal 9, 4s ago";
  o.vrrp.push_back({"inside", "fault", kNow - 30 * kSecond, 150});
  o.services_ok = 1;
  o.services_degraded = 1;
  o.servers_up = 4;
  o.servers_down = 1;
  o.servers_drain = 1;
  o.log_lines_dropped = 12;
  o.attention = {{"FAULT", "vrrp inside", kNow - 30 * kSecond, "interface eth1 is down", "lvsctl vrrp inside"},
                 {"DOWN", "web/rs2", kNow - 252 * kSecond, "HTTP 503 from http://10.0.0.12/healthz, expected 200-299",
                  "lvsctl checks web/rs2"}};
  return o;
}

daemon::Overview quiet_overview() {
  daemon::Overview o;
  o.node = "lvs1";
  o.version = "0.1.0";
  o.pid = 812;
  o.started_unix_ms = kNow - 12 * kDay - 4 * kHour;
  o.backend = "engine";
  o.config = {"/etc/lvsd.conf", "3f9c2e1", kNow - 353 * kSecond, true, kNow - 353 * kSecond, ""};
  for (const auto* name : {"vrrp", "healthcheck", "ipvs"})
    o.rooms.push_back({name, "running", 813, 0, o.started_unix_ms, 200, ""});
  o.vrrp = {{"front", "master", kNow - 12 * kDay - 4 * kHour, 150}};
  o.services_ok = 2;
  o.servers_up = 6;
  o.connections = 18'204;
  o.connections_per_second = 1'911;
  o.packets_per_second = 412'000;
  o.bytes_per_second = 387'500'000;
  return o;
}

ipvs::Table table() {
  ipvs::Table t;
  t.backend = "engine";
  ipvs::ServiceStatus web;
  web.name = "web";
  web.listeners = {{"tcp", at("192.0.2.10:80")}};
  web.scheduler = "wlc";
  web.state = ipvs::ServiceState::degraded;
  web.statistics = traffic(1'911'000, 100'000);
  web.servers = {server("rs1", "10.0.0.11", 10, 10, ipvs::ServerState::up, 8102, 1204),
                 server("rs2", "10.0.0.12", 10, 0, ipvs::ServerState::down, 0, 3),
                 server("rs3", "10.0.0.13", 5, 0, ipvs::ServerState::drain, 41, 12)};
  ipvs::ServiceStatus shop;
  shop.name = "shop";
  shop.listeners = {{"tcp", at("192.0.2.10:443")}, {"tcp", at("192.0.2.10:8443")}};
  shop.scheduler = "wrr";
  shop.persistence_s = 300;
  shop.state = ipvs::ServiceState::ok;
  shop.quorum = 2;
  shop.statistics = traffic(310'000, 20'000);
  shop.servers = {server("app1", "10.0.0.21:8443", 1, 1, ipvs::ServerState::up, 1022, 310)};
  shop.servers[0].method = "nat";
  shop.servers[0].checks.clear();
  t.services = {web, shop};
  t.interfaces = {{"eth0", "native", 4, 1000, 900, 0, 0, "", ""}};
  t.connection_entries = 18'204;
  t.connection_capacity = 262'144;
  t.timeout_tcp_s = 900;
  t.timeout_tcp_fin_s = 120;
  t.timeout_udp_s = 300;
  return t;
}

healthcheck::Status checks() {
  healthcheck::Status s;
  s.targets = {target("10.0.0.11", healthcheck::Verdict::up, "200 in 2 ms", "++++++++++++"),
               target("10.0.0.12", healthcheck::Verdict::down, "503 in 2 ms", "++++++++?+----------"),
               target("10.0.0.13", healthcheck::Verdict::unknown, "", "")};
  s.targets[0].certificate_expires_unix_ms = kNow + 30 * kDay;
  s.targets[1].since_unix_ms = kNow - 252 * kSecond;
  s.targets[1].not_checked = 1;
  s.targets[1].late_starts = 2;
  s.targets[1].down_reason =
      "HTTP 503 from http://10.0.0.12/healthz, expected 200-299 (3rd failure): \"db: connection refused\"";
  s.targets[2].since_unix_ms = 0;
  s.targets[2].last_age_ms = -1;
  return s;
}

vrrp::Status vrrp_status() {
  vrrp::InstanceStatus front;
  front.name = "front";
  front.interface = "eth0";
  front.virtual_router_id = 51;
  front.role = vrrp::Role::master;
  front.priority = front.effective_priority = 150;
  front.advert_interval_ms = 1000;
  front.master_down_interval_ms = 3414;
  front.since_unix_ms = kNow - 12 * kDay - 4 * kHour;
  front.reason = "priority 0 from 10.0.0.3";
  front.virtual_addresses = {"192.0.2.10/24"};
  front.source_address = front.master_address = "10.0.0.2";
  front.adverts_sent = 1'051'200;
  front.adverts_received = 14;
  front.worst_lateness_us = 1800;
  front.gratuitous_arps_sent = 17'530;
  front.transitions = 2;
  front.discarded = {{"ttl", 0}, {"checksum", 3}};
  front.history = {{vrrp::Role::backup, vrrp::Role::master, "priority 0 from 10.0.0.3", kNow - 12 * kDay - 4 * kHour},
                   {vrrp::Role::init, vrrp::Role::backup, "started", kNow - 12 * kDay - 5 * kHour}};
  auto inside = front;
  inside.name = "inside";
  inside.virtual_router_id = 52;
  inside.role = vrrp::Role::backup;
  inside.effective_priority = 100;
  inside.since_unix_ms = kNow - 90 * kSecond;
  inside.master_address = "10.1.0.3";
  inside.last_advert_age_ms = 400;
  inside.virtual_addresses = {"10.1.0.1/24", "10.1.0.4/24"};
  inside.history.clear();
  inside.pause = "preempt delay";
  inside.pause_left_ms = 8200;
  front.sync_group = inside.sync_group = "both";
  inside.tracks = {{"uplink", "interface", "eth2", true, false, true, 0, "eth2 is up"},
                   {"back", "ping", "10.1.0.254", true, true, false, -50, "no answer (3rd failure)"},
                   {"standby", "file", "/run/standby", false, false, false, -20, ""}};
  inside.alarms = {{vrrp::AlarmKind::address_conflict, "10.1.0.1 is claimed by 02:00:00:00:00:09 on eth1",
                    kNow - 60 * kSecond, kNow - kSecond, 3}};
  return {0, {front, inside}, {{"both", vrrp::Role::backup, {"front", "inside"}}}, {}};
}

ipvs::Connections connections() {
  ipvs::Connections c;
  c.total = 3;
  c.connections = {{"tcp",
                    "ESTABLISHED",
                    at("198.51.100.7:40112"),
                    at("192.0.2.10:80"),
                    at("10.0.0.11:80"),
                    "web",
                    "rs1",
                    897,
                    12,
                    "",
                    "",
                    true,
                    {}},
                   {"tcp",
                    "FIN_WAIT",
                    at("198.51.100.9:1025"),
                    at("192.0.2.10:80"),
                    at("10.0.0.11:80"),
                    "web",
                    "rs1",
                    61,
                    9,
                    "",
                    "",
                    false,
                    {}},
                   {"udp",
                    "UDP",
                    at("198.51.100.7:53124"),
                    at("192.0.2.53:53"),
                    at("10.0.0.53:53"),
                    "dns",
                    "ns1",
                    5999,
                    1,
                    "",
                    "",
                    false,
                    {}}};
  return c;
}

ipvs::Listing listing() { return ipvs::listing_of(table(), {}); }

ipvs::Drops drops() {
  ipvs::Drops d;
  d.reasons = {{"malformed", "A header is shorter than it says.", 2},
               {"ttl", "The time to live ran out.", 0},
               {"no_server", "No server of the service takes connections.", 1'204}};
  return d;
}

daemon::ReloadResult reload_result() {
  return {true, "a41c77f", "", {"virtual_server web: scheduler wlc → wrr", "+ real_server web/rs4 10.0.0.14"}, 38};
}

std::string body(const daemon::Overview& value) { return body_of(value); }
std::string body(const ipvs::Table& value) { return body_of(value); }
std::string body(const healthcheck::Status& value) { return body_of(value); }
std::string body(const vrrp::Status& value) { return body_of(value); }
std::string body(const ipvs::Connections& value) { return body_of(value); }
std::string body(const ipvs::Listing& value) { return body_of(value); }
std::string body(const ipvs::Drops& value) { return body_of(value); }
std::string body(const daemon::ReloadResult& value) { return body_of(value); }

std::string body(const daemon::Sources& value) {
  boost::json::array files;
  for (const auto& file : value.files) files.push_back({{"path", file.path}, {"text", file.text}});
  return boost::json::serialize(boost::json::object{{"schema", 1},
                                                    {"generated_at", "2026-02-18T09:20:00Z"},
                                                    {"node", value.node},
                                                    {"fingerprint", "3f9c2e1"},
                                                    {"files", files}});
}

}  // namespace lvsd::ctl::test

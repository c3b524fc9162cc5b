// What crosses the wall of the ipvs room. Down: decisions. Up: observations.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>

#include "base/address.hpp"
#include "base/messages.hpp"
#include "ipvs/capture_messages.hpp"
#include "ipvs/sync/status.hpp"

namespace lvsd::ipvs {

using base::Beat;
using base::Configure;
using base::Configured;
using base::Keep;
using base::Stop;

// Down: which healthcheck targets pass, and what the servers say of themselves through their checks. Sent whole before
// the first Configure and after a restart of either room
// (`complete`), then as changes. A target never mentioned does not pass.
struct Health {
  static constexpr std::string_view kName = "Health";
  struct Target {
    std::string id;
    bool passes = false;
    bool silent = false;                        // it fails because no answer came (timeout, unreachable)
    bool drain = false;                         // no new connections, says the server
    bool maintenance = false;                   // out of service, says the server
    std::optional<std::uint32_t> weight = {};   // wanted by the server, 0..65535
    std::optional<std::uint32_t> percent = {};  // wanted by the server, of the configured weight; counts without weight
  };
  bool complete = false;
  std::vector<Target> targets;
};
BOOST_DESCRIBE_STRUCT(Health::Target, (), (id, passes, silent, drain, maintenance, weight, percent))
BOOST_DESCRIBE_STRUCT(Health, (), (complete, targets))

// Down: where operators want a server otherwise than the configuration does. Sent whole at each change and, when there
// is any, before the first Configure. Servers that the configuration does not know are ignored. drain: weight 0,
// connections may finish. disable: weight 0 and as if its checks failed. weight: `value` in place of the configured
// weight. percent: `value` hundredths of it, at least 1 unless either is 0.
enum class OverrideKind { drain, disable, weight, percent };
BOOST_DESCRIBE_ENUM(OverrideKind, drain, disable, weight, percent)

struct Overrides {
  static constexpr std::string_view kName = "Overrides";
  struct Override {
    std::string service;  // names
    std::string server;
    OverrideKind kind{};
    std::uint32_t value = 0;  // weight 0..65535, percent 0..1000
  };
  std::vector<Override> overrides;
};
BOOST_DESCRIBE_STRUCT(Overrides::Override, (), (service, server, kind, value))
BOOST_DESCRIBE_STRUCT(Overrides, (), (overrides))

// Down: the VRRP instances that are master here, whole. Sent at each change and, when there is any, before the first
// Configure.
struct Mastership {
  static constexpr std::string_view kName = "Mastership";
  std::vector<std::string> instances;
  friend bool operator==(const Mastership&, const Mastership&) = default;
};
BOOST_DESCRIBE_STRUCT(Mastership, (), (instances))

// Totals since start, and rates by the kernel's estimator (dataplane: 2 s steps, average over about 8 s).
struct Statistics {
  std::uint64_t connections = 0;
  std::uint64_t in_packets = 0;
  std::uint64_t out_packets = 0;
  std::uint64_t in_bytes = 0;
  std::uint64_t out_bytes = 0;
  std::uint64_t connections_per_second = 0;
  std::uint64_t in_packets_per_second = 0;
  std::uint64_t out_packets_per_second = 0;
  std::uint64_t in_bytes_per_second = 0;
  std::uint64_t out_bytes_per_second = 0;
};
BOOST_DESCRIBE_STRUCT(Statistics, (),
                      (connections, in_packets, out_packets, in_bytes, out_bytes, connections_per_second,
                       in_packets_per_second, out_packets_per_second, in_bytes_per_second, out_bytes_per_second))

// up: takes connections. down: its checks fail. unknown: not checked yet. drain: removed from the configuration or
// drained by an operator, its connections may finish. sorry: the sorry server, in use. disabled: by an operator.
enum class ServerState { up, down, unknown, drain, sorry, disabled };
BOOST_DESCRIBE_ENUM(ServerState, up, down, unknown, drain, sorry, disabled)

struct ServerStatus {
  std::string name;
  base::Endpoint address;              // port 0: the client's port
  std::string method;                  // "nat", "dr", "tun", "fullnat"
  std::uint32_t weight = 0;            // configured
  std::uint32_t effective_weight = 0;  // in force
  ServerState state{};
  std::string overridden;  // "drain", "disable, weight 50%": by operators; "" as configured
  std::uint64_t active_connections = 0;
  std::uint64_t inactive_connections = 0;
  std::vector<std::string> checks;  // healthcheck target ids
  Statistics statistics;
  bool overloaded = false;  // has reached max_connections: gets no new ones until it has fewer than min_connections
  std::uint32_t max_connections = 0;         // 0: no limit
  bool kept = false;                         // in use although it fails: all of its service's servers do
  std::uint32_t slow_start_percent = 100;    // of its weight, while it comes into use
  std::uint64_t unanswered_connections = 0;  // that it has never answered (nat); since the ipvs process began
  std::uint64_t persistent_connections = 0;  // clients that persist on it (engine)
  std::uint32_t min_connections = 0;         // 0: three quarters of the most
  std::string tunnel;                        // of method tun: "ipip", "gue", "gre"
  std::uint32_t tunnel_port = 0;             // of gue
  std::string tunnel_checksum;               // "none", "full", "remote"
};
BOOST_DESCRIBE_STRUCT(ServerStatus, (),
                      (name, address, method, weight, effective_weight, state, overridden, active_connections,
                       inactive_connections, checks, statistics, overloaded, max_connections, kept, slow_start_percent,
                       unanswered_connections, persistent_connections, min_connections, tunnel, tunnel_port,
                       tunnel_checksum))

struct ListenerStatus {
  std::string protocol;         // "tcp", "udp", "sctp"
  base::Endpoint address;       // port 0: all ports
  std::uint16_t last_port = 0;  // of a range; 0: one port
};
BOOST_DESCRIBE_STRUCT(ListenerStatus, (), (protocol, address, last_port))

// ok: all servers usable. degraded: some are not. sorry: below quorum, the sorry server answers. down: nobody answers.
enum class ServiceState { ok, degraded, sorry, down };
BOOST_DESCRIBE_ENUM(ServiceState, ok, degraded, sorry, down)

struct ServiceStatus {
  std::string name;
  std::vector<ListenerStatus> listeners;
  std::string scheduler;
  std::vector<std::string> scheduler_flags;  // "sh-fallback", "sh-port"; in ipvsadm's order
  ServiceState state{};
  std::uint32_t quorum = 1;
  std::int64_t persistence_s = 0;        // 0: none
  std::uint32_t persistence_prefix = 0;  // 0: the whole address
  std::string persistence_engine;        // "", "sip"
  bool one_packet = false;
  std::uint32_t fwmark = 0;           // 0: none
  std::string family;                 // of a firewall mark: "ipv4", "ipv6"
  std::uint32_t max_connections = 0;  // 0: no limit
  Statistics statistics;
  std::vector<ServerStatus> servers;  // configuration order, draining ones and the sorry server last
  std::uint32_t hysteresis = 0;
  std::uint64_t usable_weight = 0;  // sum over the servers that are up; slow starts count in full
  bool short_of_quorum = false;
  bool withdrawn = false;  // all servers fail, and its addresses leave this director
  std::string all_down;    // "auto", "keep_last", "all", "sorry", "withdraw", "drop"
};
BOOST_DESCRIBE_STRUCT(ServiceStatus, (),
                      (name, listeners, scheduler, scheduler_flags, state, quorum, persistence_s, persistence_prefix,
                       persistence_engine, one_packet, fwmark, family, max_connections, statistics, servers, hysteresis,
                       usable_weight, short_of_quorum, withdrawn, all_down))

// Up: what stands otherwise than last told, once it is in force. The first of an ipvs process tells everything
// (`complete`).
struct StatesChanged {
  static constexpr std::string_view kName = "StatesChanged";
  struct Server {
    std::string service;
    std::string server;
    ServerState state{};
    bool kept = false;  // in use although it fails
    friend bool operator==(const Server&, const Server&) = default;
  };
  struct Service {
    std::string name;
    ServiceState state{};
    bool has_quorum = false;
    bool withdrawn = false;
    friend bool operator==(const Service&, const Service&) = default;
  };
  bool complete = false;
  std::vector<Server> servers;  // of the configuration
  std::vector<Service> services;
};
BOOST_DESCRIBE_STRUCT(StatesChanged::Server, (), (service, server, state, kept))
BOOST_DESCRIBE_STRUCT(StatesChanged::Service, (), (name, state, has_quorum, withdrawn))
BOOST_DESCRIBE_STRUCT(StatesChanged, (), (complete, servers, services))

// Up: whether all that the peers know of connections is here (SyncStatus::in_step), first once it is known and then at
// each change, within a second. Without peers: nothing.
struct InStep {
  static constexpr std::string_view kName = "InStep";
  bool in_step = false;
};
BOOST_DESCRIBE_STRUCT(InStep, (), (in_step))

// Up, about once a second: servers that have left more connections without any reply than their max_unanswered, and
// at least half of those they got.
struct Unanswered {
  static constexpr std::string_view kName = "Unanswered";
  struct Server {
    std::string service;
    std::string server;
    std::uint64_t connections = 0;
  };
  std::vector<Server> servers;
};
BOOST_DESCRIBE_STRUCT(Unanswered::Server, (), (service, server, connections))
BOOST_DESCRIBE_STRUCT(Unanswered, (), (servers))

struct InterfaceStatus {
  std::string name;
  std::string xdp_mode;  // "native", "generic", "" while the interface is missing
  std::uint32_t queues = 0;
  std::uint64_t received = 0;  // packets handed to the engine
  std::uint64_t sent = 0;
  std::uint64_t receive_ring_full = 0;  // packets the kernel dropped because the engine was behind
  std::uint64_t tagged = 0;             // frames of VLANs: passed to the kernel
  std::string problem;                  // "", or why it does not forward
  std::string fast_path_problem;        // "", or why the fast path does not send by it
  bool zero_copy = false;               // the driver works on the engine's memory, with every queue
  bool busy_poll = false;               // packets are fetched without interrupts, with every queue
};
BOOST_DESCRIBE_STRUCT(InterfaceStatus, (),
                      (name, xdp_mode, queues, received, sent, receive_ring_full, tagged, problem, fast_path_problem,
                       zero_copy, busy_poll))

// Down / up. The whole table with its numbers; `lvsctl vs`, `rs`, `status`, `ipvsadm` and the metrics read it.
struct TableQuery {
  static constexpr std::string_view kName = "TableQuery";
  std::uint64_t id = 0;
};
BOOST_DESCRIBE_STRUCT(TableQuery, (), (id))

// One thread of the engine.
struct WorkerStatus {
  std::uint64_t connection_entries = 0;
  std::uint64_t packets = 0;      // decided here
  std::uint64_t handed_over = 0;  // came to this one, and belong to another
};
BOOST_DESCRIBE_STRUCT(WorkerStatus, (), (connection_entries, packets, handed_over))

struct Table {
  static constexpr std::string_view kName = "Table";
  std::uint64_t id = 0;
  std::string backend;  // "engine", "kernel"
  std::vector<ServiceStatus> services;
  std::vector<InterfaceStatus> interfaces;
  std::uint64_t connection_entries = 0;
  std::uint64_t connection_capacity = 0;
  std::uint64_t connection_memory_bytes = 0;
  std::int64_t timeout_tcp_s = 0;
  std::int64_t timeout_tcp_fin_s = 0;
  std::int64_t timeout_udp_s = 0;
  std::string fast_path;              // "on", "off", "none": the engine does without; "" with the kernel
  std::uint64_t fast_path_flows = 0;  // directions of connections
  std::uint64_t fast_path_capacity = 0;
  std::uint64_t fast_path_packets = 0;  // since the ipvs process began
  std::uint64_t fast_path_refused = 0;  // there was no place for a flow
  std::vector<WorkerStatus> workers;    // of the engine
};
BOOST_DESCRIBE_STRUCT(Table, (),
                      (id, backend, services, interfaces, connection_entries, connection_capacity,
                       connection_memory_bytes, timeout_tcp_s, timeout_tcp_fin_s, timeout_udp_s, fast_path,
                       fast_path_flows, fast_path_capacity, fast_path_packets, fast_path_refused, workers))

// Down / up. Connections that match every given part; empty strings and a missing limit match all.
struct ConnectionsQuery {
  static constexpr std::string_view kName = "ConnectionsQuery";
  std::uint64_t id = 0;
  std::string service;  // name
  std::string server;   // name
  std::string client;   // address
  std::uint32_t limit = 1000;
};
BOOST_DESCRIBE_STRUCT(ConnectionsQuery, (), (id, service, server, client, limit))

struct ConnectionStatus {
  std::string protocol;
  std::string state;  // "ESTABLISHED", "SYN_RECV", "UDP", …: ipvsadm's words
  base::Endpoint client;
  base::Endpoint virtual_address;
  base::Endpoint server_address;
  std::string service;
  std::string server;
  std::int64_t expires_in_s = 0;
  std::uint64_t in_packets = 0;    // kernel IPVS does not tell
  std::string persistence_engine;  // "sip", and
  std::string persistence_data;    // the Call-ID; kernel IPVS
  bool fast_path = false;          // packets in the middle of it pass within the XDP program
  base::Endpoint local_address;    // fullnat: what the server sees as its client; else port 0
};
BOOST_DESCRIBE_STRUCT(ConnectionStatus, (),
                      (protocol, state, client, virtual_address, server_address, service, server, expires_in_s,
                       in_packets, persistence_engine, persistence_data, fast_path, local_address))

struct Connections {
  static constexpr std::string_view kName = "Connections";
  std::uint64_t id = 0;
  std::uint64_t total = 0;  // matching, also those beyond the limit
  std::vector<ConnectionStatus> connections;
};
BOOST_DESCRIBE_STRUCT(Connections, (), (id, total, connections))

// Down / up: the table as ipvsadm lists it. With kernel IPVS that is the kernel's own, also what others put there, in
// the kernel's order; the engine lists each listener as a service with all servers.
struct ListingQuery {
  static constexpr std::string_view kName = "ListingQuery";
  std::uint64_t id = 0;
};
BOOST_DESCRIBE_STRUCT(ListingQuery, (), (id))

struct ListedServer {
  base::Endpoint address;
  std::string forward;  // "Masq", "Local", "Tunnel", "Route", "Fullnat"
  std::uint32_t weight = 0;
  std::uint32_t upper_threshold = 0;
  std::uint32_t lower_threshold = 0;
  std::uint64_t active_connections = 0;
  std::uint64_t inactive_connections = 0;
  std::uint64_t persistent_connections = 0;  // templates
  std::string tunnel;                        // of "Tunnel": "ipip", "gue", "gre"
  std::uint32_t tunnel_port = 0;
  std::string tunnel_checksum;  // "none", "full", "remote"
  Statistics statistics;
};
BOOST_DESCRIBE_STRUCT(ListedServer, (),
                      (address, forward, weight, upper_threshold, lower_threshold, active_connections,
                       inactive_connections, persistent_connections, tunnel, tunnel_port, tunnel_checksum, statistics))

struct ListedService {
  std::uint32_t fwmark = 0;  // 0: by protocol and address
  bool ipv6 = false;
  std::string protocol;  // "tcp", "udp", "sctp"; "" of a firewall mark
  base::Endpoint address;
  std::string scheduler;
  std::vector<std::string> scheduler_flags;  // "sh-port", "flag-3"; in ipvsadm's order
  bool persistent = false;
  std::uint32_t persistence_s = 0;
  std::string netmask;             // of persistence: "255.255.255.0", "64"; "" where each address is a client
  std::string persistence_engine;  // "sip"
  bool one_packet = false;
  Statistics statistics;
  std::vector<ListedServer> servers;
};
BOOST_DESCRIBE_STRUCT(ListedService, (),
                      (fwmark, ipv6, protocol, address, scheduler, scheduler_flags, persistent, persistence_s, netmask,
                       persistence_engine, one_packet, statistics, servers))

struct ListedSyncDaemon {
  bool master = false;  // else backup
  std::string interface;
  std::uint32_t id = 0;
  std::uint32_t max_length = 0;
  std::string group;  // address
  std::uint32_t port = 0;
  std::uint32_t ttl = 0;
};
BOOST_DESCRIBE_STRUCT(ListedSyncDaemon, (), (master, interface, id, max_length, group, port, ttl))

struct Listing {
  static constexpr std::string_view kName = "Listing";
  std::uint64_t id = 0;
  std::string version;  // "1.2.1"
  std::uint64_t size = 0;
  std::int64_t timeout_tcp_s = 0;
  std::int64_t timeout_tcp_fin_s = 0;
  std::int64_t timeout_udp_s = 0;
  std::vector<ListedSyncDaemon> daemons;
  std::vector<ListedService> services;
};
BOOST_DESCRIBE_STRUCT(Listing, (),
                      (id, version, size, timeout_tcp_s, timeout_tcp_fin_s, timeout_udp_s, daemons, services))

// Down / up: packets not forwarded, by reason.
struct DropsQuery {
  static constexpr std::string_view kName = "DropsQuery";
  std::uint64_t id = 0;
};
BOOST_DESCRIBE_STRUCT(DropsQuery, (), (id))

struct DropReason {
  std::string reason;       // a stable word: "malformed", "ttl", "no_server", "next_hop", …
  std::string explanation;  // one sentence
  std::uint64_t packets = 0;
};
BOOST_DESCRIBE_STRUCT(DropReason, (), (reason, explanation, packets))

struct Drops {
  static constexpr std::string_view kName = "Drops";
  std::uint64_t id = 0;
  std::vector<DropReason> reasons;  // every known reason, also those at 0
};
BOOST_DESCRIBE_STRUCT(Drops, (), (id, reasons))

// Down / up: what would become of a packet, and why; nothing is changed by asking. TCP: of a SYN, where no connection
// is known.
struct TraceQuery {
  static constexpr std::string_view kName = "TraceQuery";
  std::uint64_t id = 0;
  std::string protocol;  // "tcp", "udp", "sctp"
  base::Endpoint source;
  base::Endpoint destination;
};
BOOST_DESCRIBE_STRUCT(TraceQuery, (), (id, protocol, source, destination))

// forward: to the server named. kernel: none of the engine's business. drop: with the reason.
enum class TraceOutcome { forward, kernel, drop };
BOOST_DESCRIBE_ENUM(TraceOutcome, forward, kernel, drop)

struct TraceStep {
  std::string subject;  // "listener", "connection", "scheduler", "server", "way out"
  std::string finding;
};
BOOST_DESCRIBE_STRUCT(TraceStep, (), (subject, finding))

struct Trace {
  static constexpr std::string_view kName = "Trace";
  std::uint64_t id = 0;
  std::vector<TraceStep> steps;  // in the order of the data path
  TraceOutcome outcome{};
  std::string reason;  // of a drop: a word of Drops
  std::string service;
  std::string server;
  std::string problem;  // "", or why the question could not be answered
};
BOOST_DESCRIBE_STRUCT(Trace, (), (id, steps, outcome, reason, service, server, problem))

using Down = std::variant<Configure, Health, Overrides, Mastership, TableQuery, ConnectionsQuery, ListingQuery,
                          DropsQuery, TraceQuery, CaptureQuery, SyncQuery, Keep, Stop>;
using Up = std::variant<Configured, StatesChanged, Unanswered, InStep, Table, Connections, Listing, Drops, Trace,
                        Captured, SyncStatus, Keep, Beat>;

std::string encode(const Down& message);
std::string encode(const Up& message);
base::Result<Down> decode_down(std::string_view text);
base::Result<Up> decode_up(std::string_view text);

}  // namespace lvsd::ipvs

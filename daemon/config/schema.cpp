#include "daemon/config/schema.hpp"

#include <algorithm>
#include <array>

namespace lvsd::daemon {
namespace {

constexpr std::int64_t kDay = 86'400'000;  // ms

constexpr Key boolean(std::string_view name, std::string_view fallback, std::string_view doc, unsigned flags = kNone) {
  return {name, Form::Boolean, flags, fallback, doc};
}
constexpr Key integer(std::string_view name, std::string_view fallback, std::int64_t least, std::int64_t most,
                      std::string_view doc, unsigned flags = kNone) {
  return {name, Form::Integer, flags, fallback, doc, {}, least, most};
}
// least and most in milliseconds
constexpr Key time(std::string_view name, std::string_view fallback, std::int64_t least, std::int64_t most,
                   std::string_view doc, unsigned flags = kNone) {
  return {name, Form::Time, flags, fallback, doc, {}, least, most};
}
constexpr Key choice(std::string_view name, std::string_view fallback, std::span<const Choice> choices,
                     std::string_view doc, unsigned flags = kNone) {
  return {name, Form::Choice, flags, fallback, doc, choices};
}
constexpr Key value(std::string_view name, Form form, std::string_view doc, unsigned flags = kNone,
                    std::string_view fallback = "") {
  return {name, form, flags, fallback, doc};
}

constexpr Choice kBackends[] = {{"engine"}, {"kernel"}};
constexpr Choice kOnStop[] = {{"keep"}, {"remove"}};
constexpr Choice kLogLevels[] = {{"error"}, {"warning"}, {"notice"}, {"info"}, {"debug"}};
constexpr Choice kZeroCopy[] = {{"auto"}, {"require"}, {"forbid"}};
constexpr Choice kXdpModes[] = {{"auto"}, {"native"}, {"generic"}};
constexpr Choice kVersions[] = {{"3"}, {"2"}};
constexpr Choice kAuthModes[] = {{"receive_only"}, {"permissive"}, {"enforce"}};
constexpr Choice kChecksums[] = {{"pseudo_header"}, {"message"}};
constexpr Choice kMethods[] = {{"nat"}, {"dr"}, {"tun"}, {"fullnat"}};
constexpr Choice kTunnels[] = {{"ipip"}, {"gue"}, {"gre"}};
constexpr Choice kTunnelChecksums[] = {{"none"}, {"full"}, {"remote"}};
constexpr Choice kClientAddresses[] = {{"none"}, {"toa"}, {"proxy_protocol"}};
constexpr Choice kSchedulers[] = {{"rr"},  {"wrr"}, {"lc"}, {"wlc"}, {"sed"},  {"nq"},    {"fo"},
                                  {"ovf"}, {"dh"},  {"sh"}, {"mh"},  {"lblc"}, {"lblcr"}, {"twos"}};
constexpr Choice kPersistenceEngines[] = {{"sip"}};
constexpr Choice kFamilies[] = {{"ipv4"}, {"ipv6"}};
constexpr Choice kSchedulerFlags[] = {{"sh-port"}, {"sh-fallback"}, {"mh-port"}, {"mh-fallback"}};
constexpr Choice kCheckTypes[] = {{"tcp"},  {"http"},  {"https"}, {"tls"},    {"udp"},  {"dns"},  {"smtp"},
                                  {"ping"}, {"mysql"}, {"pgsql"}, {"redis"},  {"ldap"}, {"imap"}, {"pop3"},
                                  {"ftp"},  {"sip"},   {"nntp"},  {"script"}, {"file"}, {"grpc"}, {"agent"}};
constexpr Choice kHttpVersions[] = {{"1.0"}, {"1.1"}, {"2"}};
constexpr Choice kRcodes[] = {{"NOERROR"}, {"FORMERR"}, {"SERVFAIL"}, {"NXDOMAIN"}, {"NOTIMP"}, {"REFUSED"}};
constexpr Choice kTrackTypes[] = {{"interface"}, {"file"}, {"process"}, {"route"}, {"ping"},
                                  {"tcp"},       {"http"}, {"quorum"},  {"script"}};
constexpr Choice kSyncProtocols[] = {{"lvsd"}, {"ipvs"}};
constexpr Choice kSyncRoles[] = {{"both"}, {"master"}, {"backup"}, {"vrrp"}};
constexpr Choice kInitial[] = {{"unknown"}, {"up"}};
constexpr Choice kCheckModes[] = {{"all"}, {"any"}};
constexpr Choice kOnFailure[] = {{"remove"}, {"quiesce"}};
constexpr Choice kAllDown[] = {{"auto"}, {"keep_last"}, {"all"}, {"sorry"}, {"drop"}, {"withdraw"}};
constexpr Choice kHttpMethods[] = {{"GET"}, {"HEAD"}, {"OPTIONS"}};

// clang-format off
constexpr Key kGlobal[] = {
    choice("backend", "engine", kBackends, "Who forwards: lvsd's own engine, or the kernel's IPVS."),
    value("include", Form::Path, "File or glob of files to read as well; relative to the including file.", kList | kSameOnAll),
    choice("log_level", "info", kLogLevels, "Least level that is logged."),
    boolean("exclusive", "no", "Remove what others put into the kernel's IPVS table (backend = kernel)."),
    choice("on_stop", "keep", kOnStop, "Whether the virtual servers stay in the kernel's IPVS table when lvsd stops (backend = kernel)."),
    value("notify_fifo", Form::Path, "Named pipe that gets a line for every role change, as keepalived writes it; made where it is missing."),
    value("notify", Form::Text, "Program run at every role change, with keepalived's arguments `INSTANCE NAME STATE PRIORITY` or `GROUP …`; no shell."),
    value("notify_user", Form::Text, "User that notify programs run as, without capabilities. Default: lvsd-script, or nobody where it does not exist."),
};

constexpr Key kNode[] = {
    value("address", Form::Address, "The director's own address.", kOwnOnly | kSameOnAll),
};

constexpr Key kEngine[] = {
    value("interface", Form::Interface, "Interfaces on the clients' and the servers' side. Default: those of all `vrrp` sections.", kList),
    choice("xdp_mode", "auto", kXdpModes, "How the XDP program is attached; auto tries native first."),
    integer("max_connections", "262144", 1024, 16'777'216, "Entries of the connection table; fixed when the engine starts first."),
    boolean("fast_path", "yes", "Packets in the middle of established connections are forwarded within the XDP program."),
    integer("fast_path_flows", "131072", 1024, 4'194'304, "Places of the fast path, 200 bytes each: two for a connection under `nat` or `fullnat`, one under `dr`; fixed when the engine starts first."),
    time("tcp_timeout", "15m", 1000, kDay, "Idle time of an established TCP connection."),
    time("tcp_fin_timeout", "2m", 1000, kDay, "Idle time of a TCP connection after a FIN."),
    time("udp_timeout", "5m", 1000, kDay, "Idle time of a UDP connection."),
    time("sctp_timeout", "15m", 1000, kDay, "Idle time of an established SCTP association."),
    value("workers", Form::Text, "Threads that forward, 1 to 16, or `auto`: one for each processor. Each has a share of the clients, of the connection table and of the interfaces' queues; fixed when the engine starts first.", 0, "1"),
    choice("zero_copy", "auto", kZeroCopy, "Whether the driver works on the engine's memory: `auto` where it can, `require` or not at all, `forbid` copies."),
    integer("busy_poll", "0", 0, 10'000, "Microseconds that the engine fetches packets from the driver itself before it sleeps; 0 leaves that to interrupts."),
    value("local_address", Form::Address, "From where the director asks servers under `fullnat`, for services that name none.", kList),
    boolean("secure_tcp", "no", "The stricter TCP states that IPVS has for times of attack (its secure_tcp)."),
    boolean("sloppy_tcp", "no", "Any TCP packet but a reset begins a connection, not only a SYN."),
    boolean("sloppy_sctp", "no", "Any SCTP packet but an abort begins an association, not only an INIT."),
    boolean("expire_nodest_conn", "no", "Connections whose server was removed end at once. Otherwise they may finish."),
    boolean("expire_quiescent_template", "yes", "A configured weight of 0 ends persistence to the server. With `no`, clients that have it stay, as in IPVS."),
    integer("conn_reuse_mode", "3", 0, 3, "What a new SYN does with a connection that is closing. Sum of 1: in TIME_WAIT or CLOSE a new one begins; 2: also in FIN_WAIT when replies are not seen (dr, tun)."),
    integer("max_half_open", "", 1, 16'777'216, "Most TCP connections whose handshake is not finished. Default: half of max_connections."),
    boolean("schedule_icmp", "no", "An ICMP error that belongs to no connection begins one: it goes to the server that its client would get."),
    value("hash_key", Form::Text, "Text that keys the choice of `mh`, so that nobody outside can foresee it; the same on both directors. Default: the kernel's constants."),
    choice("tunnel_checksum", "none", kTunnelChecksums, "Checksum of gue and gre tunnels where nothing else is said. Not set: none, and full for gue over IPv6."),
};

constexpr Key kKernel[] = {
    value("sysctl", Form::Text, "`NAME VALUE`: a setting below net.ipv4.vs, such as `conn_reuse_mode 0`; those not named stay as they are.", kList),
    time("verify_interval", "5s", 100, 3'600'000, "Time between two looks at the kernel's table, which repair what differs."),
    time("tcp_timeout", "", 1000, kDay, "Idle time of an established TCP connection. Default: as the kernel has it."),
    time("tcp_fin_timeout", "", 1000, kDay, "Idle time of a TCP connection after a FIN. Default: as the kernel has it."),
    time("udp_timeout", "", 1000, kDay, "Idle time of a UDP connection. Default: as the kernel has it."),
};

constexpr Key kSync[] = {
    choice("protocol", "lvsd", kSyncProtocols, "`lvsd`: a stream to each peer, authenticated, with a full state at its begin. `ipvs`: the messages of kernel IPVS, for a pair with backend = kernel on either side; nothing of that is authenticated or confirmed.", kSameOnAll),
    value("key_file", Form::Path, "File with the secret of the pair, in the form of `auth_key_file`; its first key is used. Required with `lvsd`.", kSameOnAll),
    value("address", Form::Address, "The director's own address for this (lvsd). Default: that of its [node]."),
    value("peer", Form::Address, "Addresses of the other directors (lvsd). Default: those of all other [node] sections.", kList),
    integer("port", "", 1, 65535, "TCP port, the same on all directors; with `ipvs` that of UDP. Default: 8849, with `ipvs` 8848.", kSameOnAll),
    time("wait", "30s", 0, 3'600'000, "Longest time that a master of lower priority is left alone while connections of the peers are missing here (lvsd); 0: none."),
    value("interface", Form::Interface, "Where messages are sent and heard. Required with `ipvs`."),
    choice("role", "both", kSyncRoles, "What this director does (ipvs): `master` tells, `backup` hears, `both`; `vrrp`: tells while the instance `vrrp` is master, else hears."),
    value("vrrp", Form::Name, "VRRP instance whose role is followed (ipvs). Required with role = vrrp."),
    integer("id", "0", 0, 255, "Sync id (ipvs): messages of other ids are passed over; 0 hears all.", kSameOnAll),
    value("group", Form::Address, "Multicast group, IPv4 or IPv6 (ipvs).", kSameOnAll, "224.0.0.81"),
    integer("ttl", "1", 1, 255, "TTL of the messages (ipvs)."),
    integer("max_length", "", 1024, 65'507, "Longest message in bytes (ipvs). Default: what the interface's MTU carries."),
    integer("threshold", "0", 0, 65'535, "Packets of its client before an established connection is told (ipvs, backend = engine)."),
    time("refresh", "60s", 0, kDay, "Time after which all connections are told again, for a director that came late (ipvs, backend = engine); 0: never."),
};

constexpr Key kStatus[] = {
    value("listen", Form::Endpoint, "Where the status page, the API and the metrics are served read-only; default: only on the Unix sockets."),
};

constexpr Key kVrrp[] = {
    value("interface", Form::Interface, "Where advertisements are sent and the virtual addresses live.", kRequired),
    integer("virtual_router_id", "", 1, 255, "The same on all routers of the instance, unique on the network.", kRequired | kOwnOnly | kSameOnAll),
    integer("priority", "100", 1, 255, "The highest becomes master; 255 owns the addresses."),
    time("advert_interval", "1s", 10, 40'950, "Time between advertisements, in steps of 10 ms."),
    boolean("preempt", "yes", "Take over from a master of lower priority."),
    boolean("accept", "yes", "Take packets addressed to the virtual addresses, such as ping and ssh. `no` leaves the virtual servers alone; an owner always takes them."),
    choice("checksum", "pseudo_header", kChecksums, "IPv4 checksum form that is sent (both are accepted): `pseudo_header` as keepalived and FRR, `message` as RFC 9568."),
    value("virtual_address", Form::VirtualAddress, "Address that the master owns; without a length a /32 or /128. All are of one family.", kList | kRequired | kOwnOnly),
    value("extra_address", Form::VirtualAddress, "Address that the master owns too but does not advertise; of any family.", kList | kOwnOnly),
    integer("garp_count", "5", 1, 100, "Gratuitous ARPs in a burst."),
    time("garp_interval", "20ms", 20, 60'000, "Time between the gratuitous ARPs of a burst for one address; no two are closer, whatever causes them."),
    time("garp_repeat_delay", "5s", 0, 3'600'000, "Time until the second burst; 0: none."),
    time("garp_refresh", "60s", 0, kDay, "Time between single repetitions while master; 0: none."),
    choice("version", "3", kVersions, "VRRP version; 2 is for IPv4 only and counts in whole seconds."),
    value("peer", Form::Address, "Unicast: another router of the instance. Advertisements go to the peers and are taken from them alone.", kList),
    boolean("multihop", "no", "Peers may be beyond routers: a TTL below 255 is accepted. Needs `auth_key_file`."),
    value("allowed_source", Form::Address, "Multicast: a router that is listened to. Default: all.", kList),
    value("source_address", Form::Address, "Source of the advertisements. Default: the interface's first address, with IPv6 its link-local one.", kOwnOnly),
    value("auth_key_file", Form::Path, "File with the keys of HMAC authentication, one per line, the first signs; only its owner may read it."),
    choice("auth_mode", "enforce", kAuthModes, "receive_only: sign nothing, accept all; permissive: sign, accept what is not signed; enforce: accept only what is signed."),
    value("password", Form::Text, "Simple password of version 2, at most 8 characters. It protects against mistakes only: it is readable on the network."),
    time("preempt_delay", "0s", 0, 3'600'000, "Time for which a living master of lower priority is left alone before `preempt` deposes it."),
    time("startup_delay", "0s", 0, 3'600'000, "Time after the start before the instance can become master."),
    time("flap_hold_down", "60s", 0, 3'600'000, "Longest pause after repeated losses of its role; 0: none."),
    boolean("virtual_mac", "no", "The master speaks and answers with the virtual router's own MAC address, 00:00:5e:00:01:ID (IPv6 02:ID), so that no neighbour entry changes in a failover."),
    value("virtual_route", Form::Text, "Route that the master owns: `PREFIX [via=GATEWAY] [dev=INTERFACE] [src=ADDRESS] [metric=N] [table=N]`, or `default`.", kList | kOwnOnly),
    value("track", Form::Name, "`track` sections whose failure lowers the priority or is a fault.", kList),
    value("notify", Form::Text, "Program run when the instance's role changes, besides that of `[global]`."),
    value("notify_user", Form::Text, "User that it runs as. Default: that of `[global]`."),
};

constexpr Key kSyncGroup[] = {
    value("member", Form::Name, "VRRP instances, of one priority, that are master together or not at all.", kList | kRequired | kOwnOnly),
    value("track", Form::Name, "`track` sections for the whole group.", kList),
    value("notify", Form::Text, "Program run when the group's role changes, besides that of `[global]`."),
};

constexpr Key kTrack[] = {
    choice("type", "", kTrackTypes, "What is watched.", kRequired),
    value("interface", Form::Interface, "Interface that must be up and have a carrier (interface)."),
    integer("weight", "", -253, 253, "Added to the priority (which stays within 1..254) while failing. Default: a failure is a fault."),
    boolean("reverse", "no", "Fail while the opposite is so."),
    value("file", Form::Path, "File that fails the track (file), read as that of a check: nothing, no file, 0 and `up` are good; another number, `down` and what is unknown fail."),
    value("process", Form::Text, "Name of a process that must run (process)."),
    value("route", Form::Text, "Prefix that must be routed, by itself or a part of it; 0.0.0.0/0: a default route (route)."),
    value("address", Form::Address, "Address that must answer (ping, tcp, http)."),
    integer("port", "", 1, 65535, "Its port (tcp, http). Default for http: 80."),
    value("path", Form::Text, "Path that must answer with a status of 200-299 (http).", kNone, "/"),
    value("virtual_server", Form::Name, "Virtual server whose usable servers must reach its quorum (quorum)."),
    time("interval", "1s", 10, kDay, "Time between two looks (not interface, quorum)."),
    time("timeout", "", 10, kDay, "Longest time of one look. Default: the interval."),
    integer("rise", "2", 1, 1000, "Good results in a row until it no longer fails."),
    integer("fall", "3", 1, 1000, "Bad results in a row until it fails."),
    value("command", Form::Text, "Program with its arguments, no shell; exit code 0 is good (script)."),
    value("user", Form::Text, "User that it runs as, without capabilities (script). Default: lvsd-script, or nobody where it does not exist."),
};

constexpr Key kCheck[] = {
    choice("type", "", kCheckTypes, "What is asked.", kRequired),
    time("interval", "2s", 10, kDay, "Time from one check to the next."),
    time("timeout", "1s", 10, kDay, "Longest time of the whole check; at most the interval."),
    time("down_interval", "", 10, kDay, "Interval while a server is down. Default: interval."),
    time("fast_interval", "", 10, kDay, "Interval while results disagree with the state. Default: interval."),
    time("start_delay", "0s", 0, kDay, "Time before the first check of a new server."),
    choice("initial", "unknown", kInitial, "State before the first result; up: used at once, and the first failure takes it out."),
    integer("rise", "2", 1, 1000, "Good results in a row until a server is up."),
    integer("fall", "3", 1, 1000, "Bad results in a row until a server is down."),
    integer("port", "", 1, 65535, "Port that is asked. Default: the server's, or that of the first listener."),
    choice("method", "GET", kHttpMethods, "HTTP method.", kNone),
    value("path", Form::Text, "HTTP path with its query; begins with /.", kNone, "/"),
    value("host", Form::Text, "HTTP Host header, TLS server name, and SIP's request URI. Default: the server's address."),
    value("header", Form::Header, "HTTP header `Name: value` to send.", kList),
    value("expect_status", Form::StatusRanges, "HTTP or SIP status codes that are good.", kList, "200-299"),
    value("expect_body", Form::Text, "Text that the first 48 KiB of the HTTP body must contain."),
    value("expect_body_regex", Form::Text, "RE2 expression that matches somewhere in the first 48 KiB of the HTTP body."),
    value("expect_body_digest", Form::Text, "SHA-256 (64 hex digits) or MD5 (32, as keepalived's `genhash`) of the whole HTTP body, at most 1 MiB."),
    value("url", Form::Text, "HTTP path instead of `path`, with its digest if it has one: `/a digest=9f86…`. Several are asked in turn within the timeout; all must be good.", kList),
    choice("http_version", "1.1", kHttpVersions, "HTTP version of the request; 2 without TLS by prior knowledge, and a server that does not speak it fails."),
    boolean("tls_verify", "yes", "Verify the server's certificate (https, tls, smtp with starttls, grpc with tls)."),
    value("tls_ca_file", Form::Path, "Certificates to trust. Default: the system's."),
    integer("tls_min_days", "0", 0, 3650, "Days that the server's certificate must still be valid."),
    integer("tls_warn_days", "14", 0, 3650, "Fewer days left are said with each result."),
    value("tls_server_name", Form::Text, "TLS server name, and whom the certificate must name. Default: host."),
    value("tls_certificate_file", Form::Path, "Certificate shown to servers that ask for one; lvsd-check must be able to read it."),
    value("tls_key_file", Form::Path, "Its key. Default: in the same file."),
    value("send", Form::Text, "Bytes sent once connected (tcp, tls, agent), with escapes: `PING\\r\\n`."),
    value("expect", Form::Text, "Bytes that the reply must contain (tcp, tls, udp), with escapes."),
    value("expect_regex", Form::Text, "RE2 expression that matches somewhere in the reply (tcp, tls, udp)."),
    value("payload", Form::Text, "Payload of the datagram (udp), with escapes."),
    boolean("require_reply", "no", "Silence fails (udp), and an agent that is not there (agent); without it only an ICMP error, or what the agent says."),
    value("query", Form::Text, "Name and type that are asked for (dns): A, AAAA, CNAME, MX, NS, PTR, SOA or TXT.", kNone, ". SOA"),
    choice("expect_rcode", "NOERROR", kRcodes, "Response code that is good (dns)."),
    value("expect_answer", Form::Text, "Data of one answer record (dns): `10.0.0.7`, `www.example.com`, `10 mx.example.com`."),
    value("helo", Form::Text, "Name used in EHLO (smtp).", kNone, "lvsd"),
    boolean("starttls", "no", "Go on with TLS (smtp)."),
    value("login", Form::Text, "Login name (mysql, pgsql); its refusal is as good as its success.", kNone, "lvsd"),
    value("database", Form::Text, "Database name (pgsql). Default: login."),
    value("command", Form::Text, "Program with its arguments (script), no shell; 0 is good. `{address}` and `{port}` are the server's."),
    value("user", Form::Text, "User that it runs as, without capabilities (script). Default: lvsd-script, or nobody where it does not exist."),
    boolean("weight_from_exit", "no", "Exit codes 2..255 are good and set the weight to code - 2 (script), as keepalived's misc_dynamic."),
    value("file", Form::Path, "File on the director that says it (file): nothing or no file is good; 0 or a number; `up`, `down`, `drain`, `maint`, `ready`, `50%`. `{address}` and `{port}` are the server's."),
    value("service", Form::Text, "Service asked for (grpc). Default: the server as a whole."),
    boolean("tls", "no", "gRPC over TLS."),
    value("address", Form::Address, "Address that is asked instead of the server's."),
    value("source_address", Form::Address, "Source of the check's packets."),
    value("interface", Form::Interface, "Interface that the check's packets must take."),
    integer("mark", "", 1, 4'294'967'295, "Firewall mark of the check's packets (SO_MARK), for policy routing and packet filters."),
    boolean("through_vip", "no", "Ask the server under the virtual address, as its clients do (methods dr, tun)."),
};

constexpr Key kPool[] = {
    value("real_server", Form::RealServer, "One server.", kList | kOwnOnly),
    value("check", Form::Name, "Checks of these servers where the virtual server names none.", kList),
};

constexpr Key kVirtualServer[] = {
    value("listen", Form::Listener, "Where clients connect; several make one service. PORTS: one, FIRST-LAST, or `*` for all.", kList | kRequired | kOwnOnly),
    choice("scheduler", "wlc", kSchedulers, "How a server is chosen for a new connection."),
    choice("scheduler_flags", "", kSchedulerFlags, "Of `sh` and `mh`: the client's port decides too; another server when the client's own takes nothing.", kList),
    choice("method", "dr", kMethods, "Forwarding method of its servers."),
    value("check", Form::Name, "Checks of its servers. None: used at once.", kList),
    value("real_server", Form::RealServer, "One server.", kList | kOwnOnly),
    value("pool", Form::Name, "Pool whose servers are used as well.", kOwnOnly),
    integer("quorum", "1", 1, 1'000'000'000, "Least sum of the weights of usable servers."),
    integer("hysteresis", "0", 0, 1'000'000'000, "The quorum is lost below `quorum` less this, and regained at `quorum` and this; smaller than `quorum`."),
    value("sorry_server", Form::SorryServer, "Takes all new connections while below the quorum."),
    choice("all_down", "auto", kAllDown, "What happens while all its servers fail; auto: keep_last if they fell silent with most others, else sorry, else drop."),
    choice("check_mode", "all", kCheckModes, "Of several checks of a server, all must pass, or any one."),
    choice("on_failure", "remove", kOnFailure, "A server that fails gets nothing new; remove: nor do UDP, persistence and hashing hold on to it."),
    time("slow_start", "0s", 0, 3'600'000, "Time in which the weight of a server grows that comes back or joins."),
    integer("max_unanswered", "0", 0, 1'000'000, "So many connections in a second without any reply, and half of all, take a server out as a failed check does (nat); 0: never."),
    time("persistence", "", 1000, 24 * kDay, "Time that a client stays with its server after its last new connection. Default: no persistence."),
    integer("persistence_mask", "", 1, 128, "Leading bits of the address that make one client. Default: all."),
    choice("persistence_engine", "", kPersistenceEngines, "What stands for the client in place of its address: `sip`, the Call-ID of a SIP message over UDP."),
    integer("fwmark", "", 1, 4'294'967'295, "Firewall mark in place of `listen`.", kOwnOnly),
    value("match", Form::Listener, "Packets that get the mark, as with `listen`. The engine needs at least one.", kList | kOwnOnly),
    choice("family", "", kFamilies, "Address family of a firewall mark. Default: that of `match`, else ipv4."),
    value("vrrp", Form::Name, "VRRP instance that the service belongs to."),
    boolean("one_packet", "no", "UDP: a server is chosen for each packet; no connection is kept."),
    boolean("fast_path", "yes", "Its established connections may use the engine's fast path."),
    integer("max_connections", "", 1, 16'777'216, "Connections of all its servers at which it gets no new ones. Default: no limit."),
    choice("tunnel", "", kTunnels, "Of servers with `method = tun` that do not say; `ipip` when nothing does."),
    integer("tunnel_port", "", 1, 65535, "UDP port of their gue tunnels."),
    choice("tunnel_checksum", "", kTunnelChecksums, "Checksum of their gue and gre tunnels. Default: that of [engine]."),
    value("local_address", Form::Address, "From where the director asks servers under `fullnat`. Default: those of [engine].", kList),
    choice("client_address", "", kClientAddresses, "How a `fullnat` server learns the client's address (TCP): an option of the handshake, or a PROXY protocol header (version 2) before the first byte."),
    value("notify", Form::Text, "Program run when the quorum is gained or lost, with the arguments `VS NAME UP` or `DOWN`; no shell.", kOwnOnly),
};

constexpr Key kRealServer[] = {
    value("address", Form::ServerEndpoint, "Where the server listens; without a port, the client's port.", kOwnOnly),
    integer("weight", "1", 0, 65535, "Its share; 0 takes no new connections."),
    choice("method", "", kMethods, "Forwarding method. Default: the virtual server's.", kOwnOnly),
    value("check", Form::Name, "Checks of this server alone. Default: the virtual server's.", kList | kOwnOnly),
    integer("max_connections", "0", 0, 2'147'483'647, "Connections, active and inactive, at which it gets no new ones; 0: no limit."),
    integer("min_connections", "0", 0, 2'147'483'647, "It gets new ones again when it has fewer than this; 0: than three quarters of `max_connections`."),
    choice("check_mode", "", kCheckModes, "Of several checks all must pass, or any one. Default: the virtual server's."),
    choice("on_failure", "", kOnFailure, "As with the virtual server, whose is the default."),
    time("slow_start", "", 0, 3'600'000, "As with the virtual server, whose is the default."),
    integer("max_unanswered", "", 0, 1'000'000, "As with the virtual server, whose is the default."),
    choice("tunnel", "", kTunnels, "Tunnel of `method = tun`. Default: the virtual server's.", kOwnOnly),
    integer("tunnel_port", "", 1, 65535, "UDP port of gue. Default: the virtual server's.", kOwnOnly),
    choice("tunnel_checksum", "", kTunnelChecksums, "Checksum of gue and gre. Default: the virtual server's.", kOwnOnly),
    value("check_address", Form::Address, "Address that its checks ask instead of its own; wins over that of the check."),
    integer("check_port", "", 1, 65535, "Port that its checks ask; wins over that of the check."),
    choice("client_address", "", kClientAddresses, "How it learns the client's address under `fullnat`. Default: the virtual server's.", kOwnOnly),
    value("notify", Form::Text, "Program run when it goes up or down, with the arguments `RS OWNER/NAME UP` or `DOWN`; no shell."),
};

constexpr Kind kKinds[] = {
    {"global", false, false, kGlobal, "What concerns the whole daemon."},
    {"node", true, false, kNode, "One director of the pair."},
    {"engine", false, false, kEngine, "The userspace forwarding engine."},
    {"kernel", false, false, kKernel, "Kernel IPVS, for backend = kernel."},
    {"sync", false, false, kSync, "Directors share their connections, so that those survive a failover."},
    {"status", false, false, kStatus, "Status page, API and metrics on TCP."},
    {"vrrp", true, true, kVrrp, "One VRRP instance: virtual addresses that one director owns at a time."},
    {"sync_group", true, false, kSyncGroup, "VRRP instances that change role together."},
    {"track", true, true, kTrack, "Something that VRRP priorities depend on."},
    {"check", true, true, kCheck, "A question to real servers, used by name."},
    {"pool", true, false, kPool, "Real servers that several virtual servers share."},
    {"virtual_server", true, true, kVirtualServer, "A service: where clients connect and who answers."},
    {"real_server", true, true, kRealServer, "One server of a pool or virtual server in long form: `[real_server OWNER/NAME]`."},
};
// clang-format on

}  // namespace

const Key* Kind::find(std::string_view key) const {
  const auto found = std::find_if(keys.begin(), keys.end(), [&](const Key& k) { return k.name == key; });
  return found == keys.end() ? nullptr : &*found;
}

std::vector<std::string_view> Kind::key_names() const {
  std::vector<std::string_view> names;
  for (const auto& key : keys) names.push_back(key.name);
  return names;
}

std::span<const Kind> kinds() { return kKinds; }

const Kind* find_kind(std::string_view name) {
  const auto found = std::find_if(std::begin(kKinds), std::end(kKinds), [&](const Kind& k) { return k.name == name; });
  return found == std::end(kKinds) ? nullptr : found;
}

std::string words(std::span<const Choice> choices) {
  std::string out;
  for (const auto& c : choices) out.append(out.empty() ? "" : " ").append(c.word);
  return out;
}

}  // namespace lvsd::daemon

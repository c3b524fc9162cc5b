// What is wanted of forwarding: plain values, made by daemon/config. desired() turns them, with the health of the
// servers, into the table that a backend has to hold.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/time.hpp"

namespace lvsd::ipvs {

enum class Backend : std::uint8_t { Engine, Kernel };
enum class Protocol : std::uint8_t { Tcp = 6, Udp = 17, Sctp = 132 };
enum class Method : std::uint8_t { Nat, Dr, Tun, Fullnat };  // forwarding method
enum class SchedulerKind : std::uint8_t { Rr, Wrr, Lc, Wlc, Sed, Nq, Fo, Ovf, Dh, Sh, Mh, Lblc, Lblcr, Twos };

// Of sh and mh only.
struct SchedulerFlags {
  bool fallback = false;  // another server when the client's own is not eligible
  bool port = false;      // the client's port decides too
  friend bool operator==(const SchedulerFlags&, const SchedulerFlags&) = default;
};

// Where clients connect: a port, a range of ports, or (port 0) all ports of an address.
struct Listener {
  Protocol protocol = Protocol::Tcp;
  base::Endpoint address;
  std::uint16_t last_port = 0;  // of a range that begins with the address's port; 0: that port alone

  bool all_ports() const { return address.port == 0; }
  friend auto operator<=>(const Listener&, const Listener&) = default;
};

// A client stays with its server, whichever listener of the service it asks.
struct Persistence {
  base::Duration timeout{};  // since the client's last connection; 0: no persistence
  std::uint8_t prefix = 0;   // leading bits of the address that make one client; 0: all of them
  bool sip_call_id = false;  // the client is the Call-ID of a SIP message (UDP)
  friend bool operator==(const Persistence&, const Persistence&) = default;
};

// Of a service: what the configuration asks for and the table holds in the same words.
struct ServiceOptions {
  Persistence persistence;
  bool one_packet = false;   // UDP: every packet is scheduled, no connection is kept
  std::uint32_t fwmark = 0;  // firewall mark that stands for the service (kernel IPVS); 0: none. The listeners are then
                             // its match lines, which may be missing
  base::Family family = base::Family::V4;        // of a firewall mark
  std::vector<base::IpAddress> local_addresses;  // fullnat; empty: those of the engine
  std::uint32_t max_connections = 0;             // of the whole service; 0: no limit
  bool fast_path = true;                         // established connections may pass within the XDP program
  friend bool operator==(const ServiceOptions&, const ServiceOptions&) = default;
};

enum class TunnelKind : std::uint8_t { Ipip, Gue, Gre };                 // the kernel's numbers
enum class TunnelChecksum : std::uint8_t { None, Full, Remote };         // Remote: gue's remote checksum offload
enum class ClientAddress : std::uint8_t { Hidden, Toa, ProxyProtocol };  // how a fullnat server learns it

struct Tunnel {
  TunnelKind kind = TunnelKind::Ipip;
  std::uint16_t port = 0;  // UDP port of gue
  TunnelChecksum checksum = TunnelChecksum::None;
  friend bool operator==(const Tunnel&, const Tunnel&) = default;
};

// Of a real server: what the configuration asks for and the table holds in the same words.
struct ServerOptions {
  Tunnel tunnel;                      // method tun
  std::uint32_t max_connections = 0;  // gets no new ones at this number; 0: no limit
  std::uint32_t min_connections = 0;  // … until it has fewer than this; 0: three quarters of the most
  ClientAddress client_address = ClientAddress::Hidden;  // method fullnat
  friend bool operator==(const ServerOptions&, const ServerOptions&) = default;
};

// What becomes of a server whose checks fail. Quiesce: no new connections, the others go on (also UDP, persistence and
// hashing hold on to it). Remove: as if it were not in the list; what cannot be resumed elsewhere goes on all the same.
enum class OnFailure : std::uint8_t { Remove, Quiesce };

// How a real server comes into use and goes out of it.
struct ServerPolicy {
  bool any_check = false;  // one passing check is enough; else all must pass
  OnFailure on_failure = OnFailure::Remove;
  base::Duration slow_start{};       // its weight grows for so long when it comes into use; 0: at once
  std::uint32_t max_unanswered = 0;  // so many connections without any reply are a failure (nat); 0: never
  friend bool operator==(const ServerPolicy&, const ServerPolicy&) = default;
};

// What happens to a service all of whose servers fail their checks. Auto: KeepLast when the director has lost its own
// network by all appearances (pools.hpp), else the sorry server, else Drop.
enum class AllDown : std::uint8_t { Auto, KeepLast, All, Sorry, Withdraw, Drop };

struct RealServerConfig {
  std::string name;        // identity within its virtual server
  base::Endpoint address;  // port 0: the port the client asked for
  Method method = Method::Dr;
  std::uint32_t weight = 1;         // 0..65535; 0 takes no new connections
  std::vector<std::string> checks;  // healthcheck target ids; empty: used at once
  ServerOptions options{};
  ServerPolicy policy{};

  friend bool operator==(const RealServerConfig&, const RealServerConfig&) = default;
};

struct SorryServerConfig {
  base::Endpoint address;
  Method method = Method::Nat;
  ServerOptions options{};
  friend bool operator==(const SorryServerConfig&, const SorryServerConfig&) = default;
};

struct VirtualServerConfig {
  std::string name;                 // identity across reloads
  std::vector<Listener> listeners;  // together one service; at least one, unless it has a firewall mark
  SchedulerKind scheduler = SchedulerKind::Wlc;
  std::vector<RealServerConfig> servers;
  std::uint32_t quorum = 1;  // least sum of weights of usable servers
  bool has_sorry_server = false;
  SorryServerConfig sorry_server;  // takes all new connections while below the quorum
  SchedulerFlags scheduler_flags{};
  ServiceOptions options{};
  std::uint32_t hysteresis = 0;  // lost below quorum - hysteresis, regained at quorum + hysteresis; < quorum
  AllDown all_down = AllDown::Auto;

  friend bool operator==(const VirtualServerConfig&, const VirtualServerConfig&) = default;
};

struct Timeouts {  // of idle connections; ipvsadm --set
  base::Duration tcp{std::chrono::seconds{900}};
  base::Duration tcp_fin{std::chrono::seconds{120}};
  base::Duration udp{std::chrono::seconds{300}};
  base::Duration sctp{std::chrono::seconds{900}};
  friend bool operator==(const Timeouts&, const Timeouts&) = default;
};

enum class XdpMode : std::uint8_t { Auto, Native, Generic };
enum class ZeroCopy : std::uint8_t { Auto, Require, Forbid };

// When a connection begins, is given up, or makes room; the defaults of the kernel (net.ipv4.vs.*) where it has them,
// unless docs/ipvs-compatibility.md says otherwise.
struct ConnectionPolicy {
  bool secure_tcp = false;                // the stricter TCP states (kernel secure_tcp 3)
  bool sloppy_tcp = false;                // any TCP packet but a reset begins a connection, not only a SYN
  bool sloppy_sctp = false;               // any SCTP packet but an abort
  bool expire_nodest_conn = false;        // connections whose server is gone end at once
  bool expire_quiescent_template = true;  // weight 0 ends persistence
  unsigned conn_reuse_mode = 3;           // bits: 1 a new SYN in TIME_WAIT or CLOSE, 2 and in FIN_WAIT without replies
  bool schedule_icmp = false;             // an ICMP error of no connection goes to a server
  std::uint32_t max_half_open = 0;        // most TCP connections in their handshake; 0: half of the table
  friend bool operator==(const ConnectionPolicy&, const ConnectionPolicy&) = default;
};

struct EngineConfig {
  std::vector<std::string> interfaces;  // clients' and servers' sides; never empty with the engine
  XdpMode xdp_mode = XdpMode::Auto;
  std::uint32_t max_connections = 1u << 18;  // fixed when the room starts first
  Timeouts timeouts;
  ConnectionPolicy policy;
  std::string hash_key;  // of mh; empty: the kernel's constants
  unsigned workers = 1;  // threads; 0: one for each processor; fixed when the room starts first
  ZeroCopy zero_copy = ZeroCopy::Auto;
  unsigned busy_poll_us = 0;                     // 0: sleep until a packet comes
  std::vector<base::IpAddress> local_addresses;  // for fullnat services that name none
  bool fast_path = true;                         // established connections pass within the XDP program
  std::uint32_t fast_path_flows = 1u << 17;      // directions of connections; fixed when the room starts first
  friend bool operator==(const EngineConfig&, const EngineConfig&) = default;
};

// Kernel IPVS. What is not given stays as the kernel has it.
struct KernelConfig {
  struct Sysctl {
    std::string name;  // below net.ipv4.vs
    std::string value;
    friend bool operator==(const Sysctl&, const Sysctl&) = default;
  };
  bool exclusive = false;       // remove services that others made
  bool remove_on_stop = false;  // else the table goes on without lvsd
  std::vector<Sysctl> sysctls;
  Timeouts timeouts{{}, {}, {}, {}};                        // 0: as the kernel has it; sctp has none there
  base::Duration verify_interval{std::chrono::seconds{5}};  // between two looks at the kernel's table
  friend bool operator==(const KernelConfig&, const KernelConfig&) = default;
};

// IPVS's own way to share connections: messages to a multicast group, as ipvsadm --start-daemon has them. Both
// backends.
struct IpvsSyncConfig {
  std::string interface;  // empty: not used
  std::uint8_t id = 0;    // 0 hears all, another only its own
  base::Endpoint group;
  std::uint8_t ttl = 1;
  std::uint16_t max_length = 0;  // bytes of a message; 0: as many as the interface carries
  bool tells = true;
  bool hears = true;
  std::string vrrp;             // instance: tells only while it is master, hears only while it is not; "": as above
  std::uint32_t threshold = 0;  // engine: packets of its client before an established connection is told
  base::Duration refresh{};     // engine: all is told again so often; 0: never
  friend bool operator==(const IpvsSyncConfig&, const IpvsSyncConfig&) = default;
};

// With whom connections are shared, so that they survive a failover. By lvsd's own protocol where there are peers.
struct SyncConfig {
  std::string secret;                 // shared by all directors; empty: nothing is shared
  base::Endpoint listen;              // own address
  std::vector<base::Endpoint> peers;  // the other directors
  base::Duration wait{};              // longest time that VRRP preempts nobody while peers' connections are missing
  IpvsSyncConfig ipvs;
  friend bool operator==(const SyncConfig&, const SyncConfig&) = default;
};

// Checks with this mark ask under this virtual address (through_vip.hpp).
struct MarkedAddress {
  std::uint32_t mark = 0;
  base::IpAddress address;
  friend bool operator==(const MarkedAddress&, const MarkedAddress&) = default;
};

struct ThroughVipConfig {
  std::vector<MarkedAddress> addresses;
  std::vector<std::string> interfaces;  // towards servers
  friend bool operator==(const ThroughVipConfig&, const ThroughVipConfig&) = default;
};

struct Config {
  Backend backend = Backend::Engine;
  EngineConfig engine;
  KernelConfig kernel;
  SyncConfig sync;
  std::vector<VirtualServerConfig> virtual_servers;
  ThroughVipConfig through_vip;
  // Servers that fail within so long fail together: one round of the slowest check.
  base::Duration failure_window{std::chrono::seconds{3}};

  friend bool operator==(const Config&, const Config&) = default;
};

}  // namespace lvsd::ipvs

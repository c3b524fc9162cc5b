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
enum class Protocol : std::uint8_t { Tcp = 6, Udp = 17 };
enum class Method : std::uint8_t { Nat, Dr };  // forwarding method
enum class SchedulerKind : std::uint8_t { Rr, Wrr, Lc, Wlc, Sed, Nq, Fo, Ovf, Dh, Sh, Mh, Lblc, Lblcr, Twos };

// Of sh and mh only.
struct SchedulerFlags {
  bool fallback = false;  // another server when the client's own is not eligible
  bool port = false;      // the client's port decides too
  friend bool operator==(const SchedulerFlags&, const SchedulerFlags&) = default;
};

// Where clients connect.
struct Listener {
  Protocol protocol = Protocol::Tcp;
  base::Endpoint address;
  friend auto operator<=>(const Listener&, const Listener&) = default;
};

struct RealServerConfig {
  std::string name;        // identity within its virtual server
  base::Endpoint address;  // port 0: the port the client asked for
  Method method = Method::Dr;
  std::uint32_t weight = 1;         // 0..65535; 0 takes no new connections
  std::vector<std::string> checks;  // healthcheck target ids, all of which must pass; empty: used at once

  friend bool operator==(const RealServerConfig&, const RealServerConfig&) = default;
};

struct SorryServerConfig {
  base::Endpoint address;
  Method method = Method::Nat;
  friend bool operator==(const SorryServerConfig&, const SorryServerConfig&) = default;
};

struct VirtualServerConfig {
  std::string name;                 // identity across reloads
  std::vector<Listener> listeners;  // at least one; together one service
  SchedulerKind scheduler = SchedulerKind::Wlc;
  std::vector<RealServerConfig> servers;
  std::uint32_t quorum = 1;  // least sum of weights of usable servers
  bool has_sorry_server = false;
  SorryServerConfig sorry_server;  // takes all new connections while below the quorum
  SchedulerFlags scheduler_flags{};

  friend bool operator==(const VirtualServerConfig&, const VirtualServerConfig&) = default;
};

struct Timeouts {  // of idle connections; ipvsadm --set
  base::Duration tcp{std::chrono::seconds{900}};
  base::Duration tcp_fin{std::chrono::seconds{120}};
  base::Duration udp{std::chrono::seconds{300}};
  friend bool operator==(const Timeouts&, const Timeouts&) = default;
};

enum class XdpMode : std::uint8_t { Auto, Native, Generic };

struct EngineConfig {
  std::vector<std::string> interfaces;  // clients' and servers' sides; never empty with the engine
  XdpMode xdp_mode = XdpMode::Auto;
  std::uint32_t max_connections = 1u << 18;  // fixed when the room starts first
  Timeouts timeouts;
  friend bool operator==(const EngineConfig&, const EngineConfig&) = default;
};

struct Config {
  Backend backend = Backend::Engine;
  EngineConfig engine;
  std::vector<VirtualServerConfig> virtual_servers;

  friend bool operator==(const Config&, const Config&) = default;
};

}  // namespace lvsd::ipvs

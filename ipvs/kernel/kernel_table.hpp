// The kernel's IPVS table in the kernel's words: services, destinations, sync daemons, as generic netlink carries them
// (include/uapi/linux/ip_vs.h). Plain values; made by attributes.hpp (read back) and by wanted.hpp, compared by
// plan.hpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "base/address.hpp"
#include "ipvs/messages.hpp"

namespace lvsd::ipvs::kernel {

// Identity of a service: a firewall mark and a family, or protocol, address and port.
struct ServiceKey {
  std::uint32_t fwmark = 0;  // 0: none
  base::Family family = base::Family::V4;
  std::uint16_t protocol = 0;  // IPPROTO_*
  base::Endpoint address;
  friend auto operator<=>(const ServiceKey&, const ServiceKey&) = default;
};
std::string to_string(const ServiceKey& key);  // "tcp 10.0.0.100:80", "fwmark 5"

enum ServiceFlag : std::uint32_t {
  kPersistent = 0x1,
  kHashed = 0x2,  // the kernel's own
  kOnePacket = 0x4,
  kSchedulerFlag1 = 0x8,   // sh-fallback, mh-fallback
  kSchedulerFlag2 = 0x10,  // sh-port, mh-port
  kSchedulerFlag3 = 0x20,
};

struct ServiceSettings {
  std::string scheduler;  // at most 15 bytes; "none": nothing is scheduled
  std::uint32_t flags = 0;
  std::uint32_t timeout = 0;  // seconds of persistence
  std::uint32_t netmask = 0;  // of persistence; IPv4: the mask in network order, IPv6: the prefix length
  std::string engine;         // of persistence: "sip" or none
  friend bool operator==(const ServiceSettings&, const ServiceSettings&) = default;
};

enum class Forward : std::uint32_t { Masquerade = 0, Local = 1, Tunnel = 2, DirectRoute = 3 };

// Of what the kernel sees another server in: its own address makes a destination Local whatever was asked.
struct DestinationSettings {
  Forward forward = Forward::Masquerade;
  std::uint32_t weight = 0;
  std::uint32_t upper = 0;  // thresholds; 0: none
  std::uint32_t lower = 0;
  std::uint8_t tunnel_type = 0;  // ipip, gue, gre
  std::uint16_t tunnel_port = 0;
  std::uint16_t tunnel_flags = 0;  // 1 checksum, 2 remote checksum
  friend bool operator==(const DestinationSettings&, const DestinationSettings&) = default;
};

struct Destination {
  base::Endpoint address;  // identity within its service
  DestinationSettings settings;
  // Read back only.
  std::uint32_t active = 0;
  std::uint32_t inactive = 0;
  std::uint32_t persistent = 0;  // templates
  Statistics statistics{};
};

struct Service {
  ServiceKey key;
  ServiceSettings settings;
  Statistics statistics{};  // read back only
  std::vector<Destination> destinations;
};

using KernelTable = std::vector<Service>;  // in the kernel's order

struct ProtocolTimeouts {  // seconds; ipvsadm --set
  std::uint32_t tcp = 0;
  std::uint32_t tcp_fin = 0;
  std::uint32_t udp = 0;
  friend bool operator==(const ProtocolTimeouts&, const ProtocolTimeouts&) = default;
};

struct Info {
  std::uint32_t version = 0;  // 0x010201: 1.2.1
  std::uint32_t connection_table_size = 0;
};

enum class SyncState : std::uint32_t { Master = 1, Backup = 2 };

struct SyncDaemon {
  SyncState state = SyncState::Master;
  std::string interface;
  std::uint32_t id = 0;
  std::uint16_t max_length = 0;  // 0: the kernel's choice
  std::optional<base::IpAddress> group;
  std::uint16_t port = 0;
  std::uint8_t ttl = 0;
  friend bool operator==(const SyncDaemon&, const SyncDaemon&) = default;
};

}  // namespace lvsd::ipvs::kernel

// What is wanted of VRRP: plain values, made by daemon/config, compared and applied by the room.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/time.hpp"

namespace lvsd::vrrp {

// Something outside that an instance depends on. An interface is watched here; all else is observed elsewhere, and the
// result comes in Conditions.
struct TrackConfig {
  std::string name;
  std::string interface;      // of type interface
  std::optional<int> weight;  // added to the priority while it fails; without one a failure is a fault
  bool reverse = false;       // fails while the opposite is so
  std::string type = "interface";
  std::string target = {};  // of other types, for people: "10.0.0.1", "/run/lvsd/standby"

  friend bool operator==(const TrackConfig&, const TrackConfig&) = default;
};

// An address that the master owns. Those that are advertised are of the instance's family.
struct VirtualAddress {
  base::Prefix prefix;
  std::string interface {};  // empty: the instance's
  std::string label{};       // IPv4 only
  std::uint8_t scope = 0;    // IPv4 only; the kernel's numbers: 0 global, 253 link, 254 host
  bool prefix_route = true;  // brings the route to its prefix, unless another address has it already
  bool advertised = true;

  std::string to_string() const;  // "10.0.0.100/24 dev=eth1", as it stands in the configuration
  friend bool operator==(const VirtualAddress&, const VirtualAddress&) = default;
};

// A route that the master owns: it comes with the addresses and goes with them.
struct VirtualRoute {
  base::Prefix prefix;                       // without host bits
  std::optional<base::IpAddress> gateway{};  // empty: directly through the interface
  std::string interface {};                  // empty: the kernel's choice by the gateway, else the instance's
  std::optional<base::IpAddress> source{};   // preferred source; the kernel removes the route with that address
  std::uint32_t metric = 0;                  // 0: the kernel's default
  std::uint32_t table = 254;                 // main

  std::string to_string() const;  // "192.0.2.0/24 via=10.0.0.1", as it stands in the configuration
  friend bool operator==(const VirtualRoute&, const VirtualRoute&) = default;
};

// HMAC authentication, draft-cassen-vrrp-auth-hmac.
struct HmacKey {
  std::uint8_t id = 1;
  std::string bytes;  // 32..64, secret

  friend bool operator==(const HmacKey&, const HmacKey&) = default;
};

enum class AuthMode {
  ReceiveOnly,  // sign nothing, accept what is not signed
  Permissive,   // sign, accept what is not signed
  Enforce,      // sign, accept only what is signed
};

struct HmacConfig {
  std::vector<HmacKey> keys;  // the first signs, all verify
  AuthMode mode = AuthMode::Enforce;

  friend bool operator==(const HmacConfig&, const HmacConfig&) = default;
};

// One VRRP instance: one virtual router id on one interface, one address family. RFC 9568 names.
struct InstanceConfig {
  std::string name;  // identity across reloads
  std::string interface;
  std::uint8_t virtual_router_id = 0;                       // 1..255
  std::uint8_t version = 3;                                 // 2 or 3; 2 is IPv4 only
  std::uint8_t priority = 100;                              // 1..255; 255 = address owner
  base::Duration advert_interval{std::chrono::seconds{1}};  // 10 ms .. 40.95 s in steps of 10 ms; version 2: of 1 s
  bool preempt = true;
  base::Duration preempt_delay{};                           // a living lesser master is left alone for so long
  base::Duration startup_delay{};                           // no mastership for so long after the room's start
  base::Duration flap_hold_down{std::chrono::seconds{60}};  // longest pause after repeated role changes; 0: none
  bool accept = true;                                       // take packets addressed to the VIPs (Accept_Mode)
  bool checksum_pseudo_header = true;                       // v3 IPv4 form that is sent; both are accepted
  std::string password;                                     // version 2, at most 8 bytes; empty: none
  std::optional<HmacConfig> hmac;
  std::vector<base::IpAddress> peers;                           // unicast to each of these; empty: multicast
  bool multihop = false;                                        // peers may be beyond routers
  std::vector<base::IpAddress> allowed_sources;                 // multicast: listen to these only; empty: to all
  std::optional<base::IpAddress> source_address;                // of the advertisements; empty: the interface's
  std::vector<VirtualAddress> virtual_addresses;                // at least one is advertised; the order on the wire
  unsigned garp_count = 5;                                      // gratuitous ARPs per burst
  base::Duration garp_interval{std::chrono::milliseconds{20}};  // between the rounds of a burst, at least 20 ms
  base::Duration garp_repeat_delay{std::chrono::seconds{5}};    // second burst; 0 = none
  base::Duration garp_refresh{std::chrono::seconds{60}};        // slow repetition while master; 0 = none

  bool virtual_mac = false;             // speak and answer with the virtual router's own MAC address
  std::vector<VirtualRoute> routes{};   // the master's
  std::vector<std::string> services{};  // virtual servers that belong to it, for people

  std::vector<TrackConfig> tracks;  // with those of its sync group and of that group's other members; each once
  std::string sync_group;           // "": none

  // Of the advertised addresses: they have one family, which is also that of the advertisements.
  base::Family family() const;
  bool is_unicast() const { return !peers.empty(); }
  // Where an address lives: with a virtual MAC on a link of its own.
  std::string interface_of(const VirtualAddress& address) const {
    if (!address.interface.empty()) return address.interface;
    return virtual_mac ? virtual_link() : interface;
  }
  base::MacAddress virtual_mac_address() const;  // 00-00-5e-00-01-ID, IPv6 -02-ID (RFC 9568 §7.3)
  std::string virtual_link() const;              // the name of that link: "vrrp.51", IPv6 "vrrp6.51"

  friend bool operator==(const InstanceConfig&, const InstanceConfig&) = default;
};

// Instances that are master together or not at all. They have one priority.
struct SyncGroupConfig {
  std::string name;
  std::vector<std::string> members;

  friend bool operator==(const SyncGroupConfig&, const SyncGroupConfig&) = default;
};

struct Config {
  std::string node;  // this director's name, for logs
  std::vector<InstanceConfig> instances;
  std::vector<SyncGroupConfig> sync_groups;

  friend bool operator==(const Config&, const Config&) = default;
};

}  // namespace lvsd::vrrp

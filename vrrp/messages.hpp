// What crosses the wall of the vrrp room. Down: decisions. Up: observations.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>

#include "base/address.hpp"
#include "base/messages.hpp"

namespace lvsd::vrrp {

using base::Beat;
using base::Configure;
using base::Configured;
using base::Stop;

// The words of the field for RFC 9568's Initialize, Backup and Active. Fault: the interface is missing or down.
enum class Role { init, backup, master, fault };
BOOST_DESCRIBE_ENUM(Role, init, backup, master, fault)

// Down, before Configure, after a restart of this room: instances that were master when the earlier incarnation last
// sent an advertisement (boot clock, ms). One that is younger than two advert intervals goes on as master at once.
struct Resume {
  static constexpr std::string_view kName = "Resume";
  struct Instance {
    std::string name;
    std::int64_t last_advert_boottime_ms = 0;
  };
  std::vector<Instance> masters;
};
BOOST_DESCRIBE_STRUCT(Resume::Instance, (), (name, last_advert_boottime_ms))
BOOST_DESCRIBE_STRUCT(Resume, (), (masters))

// Down: what the supervisor knows that elections depend on, whole: it replaces what was told before. First before
// Configure.
struct Conditions {
  static constexpr std::string_view kName = "Conditions";
  struct Track {  // one that is observed outside this room, and has a result
    std::string name;
    bool failing = false;
    std::string text;  // the result in words
    friend bool operator==(const Track&, const Track&) = default;
  };
  friend bool operator==(const Conditions&, const Conditions&) = default;
  bool may_preempt = true;  // false: masters of lower priority are left alone, for what `waits_for` says
  std::string maintenance;  // why no instance may be master: "maintenance by alice: NIC firmware"; "": they may
  std::vector<Track> tracks;
  std::string waits_for;  // "its own checks have no first results yet"; "" when it may
};
BOOST_DESCRIBE_STRUCT(Conditions::Track, (), (name, failing, text))
BOOST_DESCRIBE_STRUCT(Conditions, (), (may_preempt, maintenance, tracks, waits_for))

// Down: masters among these instances (none named: among all) hand over to another router, if one comes.
struct Failover {
  static constexpr std::string_view kName = "Failover";
  std::uint64_t id = 0;
  std::vector<std::string> instances;
  std::string why;  // "failover by alice"
};
BOOST_DESCRIBE_STRUCT(Failover, (), (id, instances, why))

// handed_over: another router has been heard. nobody: none came, the instance goes on as master. lost: it went to fault
// meanwhile. unknown: there is no such instance.
enum class FailoverOutcome { handed_over, nobody, not_master, lost, unknown };
BOOST_DESCRIBE_ENUM(FailoverOutcome, handed_over, nobody, not_master, lost, unknown)

// Up: the answer, when every one of them has ended. `id` comes back unchanged.
struct FailoverDone {
  static constexpr std::string_view kName = "FailoverDone";
  struct Outcome {
    std::string instance;
    FailoverOutcome outcome{};
    std::string text;
    std::int64_t took_ms = 0;
  };
  std::uint64_t id = 0;
  std::vector<Outcome> outcomes;
};
BOOST_DESCRIBE_STRUCT(FailoverDone::Outcome, (), (instance, outcome, text, took_ms))
BOOST_DESCRIBE_STRUCT(FailoverDone, (), (id, outcomes))

// Up: a transition, told once.
struct RoleChanged {
  static constexpr std::string_view kName = "RoleChanged";
  std::string instance;
  Role from{};
  Role to{};
  std::string reason;  // "master down timer expired", "priority 0 from 10.0.0.3", …
  std::int64_t unix_ms = 0;
  std::uint32_t priority = 0;  // effective
};
BOOST_DESCRIBE_STRUCT(RoleChanged, (), (instance, from, to, reason, unix_ms, priority))

// Down / up: what runs. `id` comes back unchanged.
struct StatusQuery {
  static constexpr std::string_view kName = "StatusQuery";
  std::uint64_t id = 0;
};
BOOST_DESCRIBE_STRUCT(StatusQuery, (), (id))

struct Transition {
  Role from{};
  Role to{};
  std::string reason;
  std::int64_t unix_ms = 0;
};
BOOST_DESCRIBE_STRUCT(Transition, (), (from, to, reason, unix_ms))

struct Discard {
  std::string reason;  // "ttl", "checksum", "version", "type", "length", "count", "interval", "vrid", "own", …
  std::uint64_t packets = 0;
};
BOOST_DESCRIBE_STRUCT(Discard, (), (reason, packets))

struct TrackStatus {
  std::string name;
  std::string type;    // "interface", "script", …
  std::string target;  // what is watched: "eth2", "10.0.0.1"
  bool known = true;   // has a result
  bool failing = false;
  bool fault = false;       // a failure is a fault; else it costs …
  std::int32_t weight = 0;  // … this, added to the priority
  std::string text;         // the state in words
};
BOOST_DESCRIBE_STRUCT(TrackStatus, (), (name, type, target, known, failing, fault, weight, text))

// foreign_router: our virtual router id, for other addresses. peer_mismatch: a peer that is configured otherwise.
// not_heard_by_peer: a lesser master that does not give way. two_owners: another one of priority 255. address_conflict:
// somebody else claims our address by ARP. address_taken: an address of ours is on this host by someone else's hand.
// peers_silent: master although none of its unicast peers has ever been heard.
enum class AlarmKind {
  foreign_router,
  peer_mismatch,
  not_heard_by_peer,
  two_owners,
  address_conflict,
  address_taken,
  peers_silent
};
BOOST_DESCRIBE_ENUM(AlarmKind, foreign_router, peer_mismatch, not_heard_by_peer, two_owners, address_conflict,
                    address_taken, peers_silent)

struct Alarm {
  AlarmKind kind{};
  std::string text;  // with the other's address or MAC
  std::int64_t since_unix_ms = 0;
  std::int64_t last_unix_ms = 0;
  std::uint64_t count = 0;  // since the room was started
};
BOOST_DESCRIBE_STRUCT(Alarm, (), (kind, text, since_unix_ms, last_unix_ms, count))

struct InstanceStatus {
  std::string name;
  std::string interface;
  std::uint32_t virtual_router_id = 0;
  Role role{};
  std::uint32_t priority = 0;            // configured
  std::uint32_t effective_priority = 0;  // after tracking
  bool preempt = true;
  std::int64_t advert_interval_ms = 0;
  std::int64_t master_down_interval_ms = 0;
  std::int64_t since_unix_ms = 0;
  std::string reason;                          // of the last transition, or why it is in fault
  std::vector<std::string> virtual_addresses;  // "10.0.0.100/24"
  std::string source_address;                  // primary address of the interface, "" while there is none
  std::string master_address;                  // who was last heard as master; our own while we are; "" unknown
  std::int64_t last_advert_age_ms = -1;        // last accepted advertisement; -1 none
  std::uint64_t adverts_sent = 0;
  std::uint64_t adverts_received = 0;
  std::int64_t last_advert_sent_boottime_ms = 0;
  std::int64_t worst_lateness_us = 0;  // of our own adverts since we became master
  std::uint64_t gratuitous_arps_sent = 0;
  std::uint64_t transitions = 0;
  std::uint64_t addresses_restored = 0;  // VIPs that somebody else removed and we put back
  std::vector<Discard> discarded;
  std::vector<Transition> history;  // newest first, at most 16
  std::string sync_group;           // "": none
  std::vector<TrackStatus> tracks;
  std::string pause;                  // "preempt delay", "startup delay", "flap hold-down" while one runs; else ""
  std::int64_t pause_left_ms = 0;     // of it
  std::uint32_t losses = 0;           // of the role in short order, which lengthen the flap hold-down
  bool ceded = false;                 // gave the mastership away by command, and preempts nobody
  std::vector<Alarm> alarms;          // of the last two minutes
  std::string virtual_mac;            // the master's own MAC address, and the link that has it; "": the interface's
  std::vector<std::string> routes;    // that the master owns
  std::vector<std::string> services;  // virtual servers that belong to it
};
BOOST_DESCRIBE_STRUCT(InstanceStatus, (),
                      (name, interface, virtual_router_id, role, priority, effective_priority, preempt,
                       advert_interval_ms, master_down_interval_ms, since_unix_ms, reason, virtual_addresses,
                       source_address, master_address, last_advert_age_ms, adverts_sent, adverts_received,
                       last_advert_sent_boottime_ms, worst_lateness_us, gratuitous_arps_sent, transitions,
                       addresses_restored, discarded, history, sync_group, tracks, pause, pause_left_ms, losses, ceded,
                       alarms, virtual_mac, routes, services))

struct SyncGroupStatus {
  std::string name;
  Role role{};  // of all its members
  std::vector<std::string> members;
};
BOOST_DESCRIBE_STRUCT(SyncGroupStatus, (), (name, role, members))

struct Status {
  static constexpr std::string_view kName = "Status";
  std::uint64_t id = 0;
  std::vector<InstanceStatus> instances;
  std::vector<SyncGroupStatus> sync_groups;
  std::string maintenance;  // why no instance may be master; "": they may
};
BOOST_DESCRIBE_STRUCT(Status, (), (id, instances, sync_groups, maintenance))

// Up, twice a second: the masters of this moment, kept by the supervisor for Resume.
struct Masters {
  static constexpr std::string_view kName = "Masters";
  std::vector<Resume::Instance> masters;
};
BOOST_DESCRIBE_STRUCT(Masters, (), (masters))

using Down = std::variant<Configure, Resume, Conditions, Failover, StatusQuery, Stop>;
using Up = std::variant<Configured, RoleChanged, Masters, FailoverDone, Status, Beat>;

std::string encode(const Down& message);
std::string encode(const Up& message);
base::Result<Down> decode_down(std::string_view text);
base::Result<Up> decode_up(std::string_view text);

}  // namespace lvsd::vrrp

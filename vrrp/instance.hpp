// The shell around one state machine: feeds it packets, timers and link changes, executes its actions, counts and
// tells. Owned by the room.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "vrrp/advertisement.hpp"
#include "vrrp/config.hpp"
#include "vrrp/holdings.hpp"
#include "vrrp/messages.hpp"
#include "vrrp/sync_group.hpp"

namespace boost::asio {
class io_context;
}

namespace lvsd::vrrp {

struct ArpClaim;
class FrameSender;
class LinkMonitor;
class Sockets;
class Instance;

// What an instance reaches of the world; shared by all instances of the room.
struct Outside {
  boost::asio::io_context& loop;
  const LinkMonitor& links;
  Sockets& sockets;
  FrameSender& frames;
  Kernel kernel;
  // VIPs on this interface, of every instance that is not their owner: never the source of an advertisement.
  std::function<std::vector<base::IpAddress>(const std::string& interface)> virtual_addresses;
  std::function<void(RoleChanged)> tell;
  // Steps the instance, and with it the other members of its sync group; all are told by carry_out().
  std::function<void(Instance&, const Event&, base::TimePoint)> decide;
  // Why the other members of its sync group keep it from being master; empty when they do not.
  std::function<std::string(const Instance&)> barred;
  // Reads what has arrived for it and for the other members.
  std::function<void(const Instance&)> drain;
  std::function<const Conditions&()> conditions;
};

// Runs on while the machine sleeps, unlike the monotonic clock.
std::int64_t boottime_ms();

class Instance {
 public:
  Instance(const Outside& outside, InstanceConfig config);
  ~Instance();  // nothing is resigned or removed; see stop()
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  // `resume`: go on as master at once, if the interface permits.
  void start(bool resume);

  // In place: role and timers are kept. First release() for every changed instance, then reconfigure(), so that an
  // address can move from one to another.
  void release(const InstanceConfig& next);
  void reconfigure(InstanceConfig next);

  // Hands over to another router, if one comes; see Cede.
  void cede(const std::string& why);

  // Resigns when master; the addresses go when the successor is heard, or at once.
  void stop(bool at_once);
  bool leaving() const;  // has resigned, and holds the addresses for its successor

  Member member() const;
  void carry_out(MemberStep step, base::TimePoint now);
  std::string why_not_master() const;    // why it must not be master, its sync group aside; empty when it may
  bool leases_prove_mastership() const;  // they were refreshed too short ago for a peer to have noticed our absence

  // `stands_for`: so many packets of its kind, should it be refused.
  void receive(const Datagram& datagram, unsigned stands_for);
  void link_changed();  // or a track's result, or the conditions
  // Somebody on this interface says that one of our addresses is his.
  void claimed_by(const ArpClaim& claim, const std::string& interface);
  void count(DecodeError error,
             unsigned packets);  // packets on our channel that are for no instance here, or for none at all

  const InstanceConfig& config() const;
  InstanceStatus status() const;
  std::optional<Resume::Instance> mastership() const;  // while master

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace lvsd::vrrp

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
#include "vrrp/config.hpp"
#include "vrrp/messages.hpp"

namespace boost::asio {
class io_context;
}

namespace lvsd::vrrp {

class AddressWriter;
class ArpSender;
class LinkMonitor;
class Sockets;

// What an instance reaches of the world; shared by all instances of the room.
struct Outside {
  boost::asio::io_context& loop;
  const LinkMonitor& links;
  Sockets& sockets;
  ArpSender& arp;
  AddressWriter& addresses;
  // VIPs on this interface, of every instance that is not their owner: never the source of an advertisement.
  std::function<std::vector<base::IpAddress>(const std::string& interface)> virtual_addresses;
  std::function<void(RoleChanged)> tell;
};

class Instance {
 public:
  Instance(const Outside& outside, InstanceConfig config);
  ~Instance();  // nothing is resigned or removed; see stop()
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  // `resume`: go on as master at once, if the interface permits. Also without it when the leases of our addresses prove
  // that an earlier life, whose supervisor is gone too, was master that lately.
  void start(bool resume);

  // In place: role and timers are kept. First release() for every changed instance, then reconfigure(), so that an
  // address can move from one to another.
  void release(const InstanceConfig& next);
  void reconfigure(InstanceConfig next);

  // Resigns when master, removes the addresses.
  void stop();

  void receive(std::span<const std::uint8_t> packet);
  void link_changed();
  void count_unknown_virtual_router_id();  // a packet on our interface that is for no instance here

  const InstanceConfig& config() const;
  InstanceStatus status() const;
  std::optional<Resume::Instance> mastership() const;  // while master

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace lvsd::vrrp

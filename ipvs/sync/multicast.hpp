// Sharing connections by IPVS's own protocol, so that a director with kernel IPVS can be the other one of a pair: this
// director's table is told to a multicast group, and what is heard there is put into the table. Nothing is confirmed
// and nothing authenticated, as the protocol has it. On the room's loop; nothing waits. Used by the engine backend.
#pragma once

#include <memory>
#include <set>
#include <string>

#include "ipvs/config.hpp"
#include "ipvs/messages.hpp"
#include "ipvs/sync/exchange.hpp"
#include "ipvs/sync/ipvs_records.hpp"
#include "ipvs/sync/ipvs_roles.hpp"

namespace lvsd::ipvs::sync {

class Multicast {
 public:
  // An interface that is missing, or made anew, is tried again every half second.
  Multicast(boost::asio::io_context& loop, const IpvsSyncConfig& config, Store store, IpvsNames names,
            const std::set<std::string>& masters);
  ~Multicast();  // answers that are still to come are ignored
  Multicast(const Multicast&) = delete;
  Multicast& operator=(const Multicast&) = delete;

  const IpvsSyncConfig& config() const;
  void use_names(IpvsNames names);
  void follow_roles(const std::set<std::string>& masters);  // VRRP instances that are master here
  MulticastStatus status() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace lvsd::ipvs::sync

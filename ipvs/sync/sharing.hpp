// The one way in which the engine's connections are shared: by lvsd's own protocol, by IPVS's, or not at all. Used by
// the engine backend, on the room's loop.
#pragma once

#include <memory>
#include <set>
#include <string>

#include "ipvs/config.hpp"
#include "ipvs/messages.hpp"
#include "ipvs/sync/exchange.hpp"
#include "ipvs/sync/multicast.hpp"
#include "ipvs/table.hpp"

namespace lvsd::ipvs::sync {

class Sharing {
 public:
  // Goes on with what it does when nothing has changed.
  void share(boost::asio::io_context& loop, const SyncConfig& wanted, const Store& store);
  void use(const ServiceTable& desired);
  void follow_roles(const std::set<std::string>& masters);
  SyncStatus status() const;

 private:
  std::unique_ptr<Exchange> exchange_;
  std::unique_ptr<Multicast> multicast_;
  std::set<std::string> masters_;
  ServiceTable desired_;
};

}  // namespace lvsd::ipvs::sync

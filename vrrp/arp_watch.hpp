// Listens for others who claim our addresses by ARP or neighbour discovery while we are master. One packet socket per
// interface and family, with a filter in the kernel. Owned by the room.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "vrrp/arp_filter.hpp"
#include "vrrp/link_table.hpp"

namespace boost::asio {
class io_context;
}

namespace lvsd::vrrp {

class ArpWatch {
 public:
  // A frame of this link, which is not ours.
  using OnClaim = std::function<void(const std::string& interface, const ArpClaim& claim)>;

  ArpWatch(boost::asio::io_context& loop, OnClaim on_claim);
  ~ArpWatch();

  // By interface and family.
  using Wanted = std::map<std::pair<std::string, base::Family>, std::vector<base::IpAddress>>;

  // These addresses, and no others. Idempotent. What cannot be watched is logged once.
  void keep_to(const Wanted& wanted, const LinkTable& links);

 private:
  struct Ear;
  boost::asio::io_context& loop_;
  OnClaim on_claim_;
  std::map<std::pair<std::string, base::Family>, std::shared_ptr<Ear>> ears_;
  bool complained_ = false;
};

}  // namespace lvsd::vrrp

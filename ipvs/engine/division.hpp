// How several workers share the clients: which of them has a packet's connection, computed from the packet alone, the
// same whichever side it comes from. A client's connections are one worker's, and under fullnat, where a reply does not
// name the client, so are the local ports that its connections get. Pure; used by the forwarder of each worker.
#pragma once

#include <cstdint>
#include <vector>

#include <boost/unordered/unordered_flat_set.hpp>

#include "base/address.hpp"
#include "ipvs/config.hpp"
#include "ipvs/engine/listener_index.hpp"
#include "ipvs/engine/local_ports.hpp"
#include "ipvs/engine/network_order.hpp"

namespace lvsd::ipvs::engine {

// Which clients are not told apart. All workers have the same.
struct Grouping {
  // Leading bits of a client's address that say whose it is: the shortest prefix by which a virtual server persists, so
  // that one worker has all that a persistence template stands for.
  unsigned prefix_v4 = 32;
  unsigned prefix_v6 = 128;
  // All UDP is the first worker's: where virtual servers persist by SIP Call-ID, which says nothing of the client.
  bool udp_together = false;
  // So that nobody outside can aim at one worker; the same on directors that share connections, for fullnat.
  std::uint64_t key = 0;
  friend bool operator==(const Grouping&, const Grouping&) = default;
};
Grouping grouping_of(const Config& config);

// The addresses that packets are told apart by. What one worker knows of them the others may not, or not yet, so all
// are told what any of them knows.
struct KnownAddresses {
  std::vector<base::IpAddress> virtual_addresses;
  std::vector<base::IpAddress> local_addresses;  // of fullnat, those of earlier configurations too
  friend bool operator==(const KnownAddresses&, const KnownAddresses&) = default;
};

class Division {
 public:
  static constexpr unsigned kMostWorkers = 16;
  static constexpr std::uint8_t kMostHops = 2;

  Division() = default;  // one worker, which has all
  Division(unsigned workers, unsigned mine, const Grouping& grouping) noexcept;

  bool several() const noexcept { return workers_ > 1; }
  unsigned workers() const noexcept { return workers_; }
  unsigned mine() const noexcept { return mine_; }
  const Grouping& grouping() const noexcept { return grouping_; }
  PortShare ports() const noexcept { return {workers_, mine_}; }

  unsigned of_client(std::uint8_t protocol, const WireAddress& client) const noexcept;
  unsigned of_local_port(std::uint16_t port) const noexcept;  // network order

  void know(const KnownAddresses& addresses);
  bool is_virtual(const WireAddress& address) const noexcept { return virtual_.contains(address); }
  bool is_local(const WireAddress& address) const noexcept { return local_.contains(address); }

 private:
  using Addresses = boost::unordered_flat_set<WireAddress, AddressHash>;

  unsigned workers_ = 1;
  unsigned mine_ = 0;
  Grouping grouping_;
  WireAddress mask_v4_;
  WireAddress mask_v6_;
  Addresses virtual_;
  Addresses local_;
};

}  // namespace lvsd::ipvs::engine

// Who listens where. A packet belongs to the listener of its own port, else to the range of ports that it is in, else
// to the listener for all ports (kernel ip_vs_service_find knows the first and the last). Listeners that were taken
// away while connections still use them linger: packets to them keep coming up, until a whole look through the
// connections found none. Used by the services; one hash lookup where there are only single ports.
#pragma once

#include <cstdint>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>

#include "ipvs/config.hpp"
#include "ipvs/engine/network_order.hpp"

namespace lvsd::ipvs::engine {

struct LiveService;

// Not from outside: the tables hold configured values only, so the hashes need no key.
struct AddressHash {
  using is_avalanching = void;
  std::size_t operator()(const WireAddress& a) const noexcept { return mix(a.high, a.low * 0xd6e8feb86659fd93); }
  static std::size_t mix(std::uint64_t a, std::uint64_t b) noexcept {
    auto z = (a ^ (b + 0x9e3779b97f4a7c15)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 32)) * 0x94d049bb133111eb;
    return z ^ (z >> 29);
  }
};

class ListenerIndex {
 public:
  // Ports of packets: network order.
  LiveService* find(std::uint8_t protocol, const WireAddress& address, std::uint16_t port) const noexcept;
  // Of a listener, a lingering one too.
  bool is_virtual(const WireAddress& address) const noexcept { return addresses_.contains(address); }

  // `service` has the listener from now on. The one that had it before, or null.
  LiveService* take(const Listener& listener, LiveService& service);
  void release(const Listener& listener, const LiveService& service);

  // Connections use the listener and may go on. Beyond 64 on one address and protocol they are one for all its ports.
  void linger(const Listener& listener);
  bool has_lingering() const noexcept { return !lingering_.empty(); }
  bool lingers(std::uint8_t protocol, const WireAddress& address, std::uint16_t port) const noexcept;
  // A connection that may use a lingering listener.
  void sighted(std::uint8_t protocol, const WireAddress& address, std::uint16_t port) noexcept;
  // All connections were looked at since the last time. True: listeners are gone for it, and refresh() is due.
  bool end_of_round();
  // Appends those that no listener in force contains.
  void append_lingering(std::vector<Listener>& all) const;

  // To be called when listeners have changed.
  void refresh();

 private:
  struct Key {
    WireAddress address;
    std::uint64_t rest = 0;  // port, protocol
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct KeyHash {
    using is_avalanching = void;
    std::size_t operator()(const Key& key) const noexcept {
      return AddressHash::mix(AddressHash{}(key.address), key.rest);
    }
  };
  struct Range {  // host order
    std::uint16_t first = 0;
    std::uint16_t last = 0;
    LiveService* service = nullptr;
    bool contains(std::uint16_t port) const { return port >= first && port <= last; }
  };
  struct Wide {  // of one address and protocol
    std::vector<Range> ranges;
    LiveService* all = nullptr;
  };
  struct Lingering {
    std::uint16_t first = 0;
    std::uint16_t last = 0;
    bool seen = true;  // since the last round began
  };
  static constexpr std::size_t kMostLingering = 64;  // of one address and protocol

  static Key key(std::uint8_t protocol, const WireAddress& address, std::uint16_t port) {
    return {address, std::uint64_t{port} | (std::uint64_t{protocol} << 16)};
  }
  static Key key(const Listener& listener, std::uint16_t port);
  bool in_force(const Key& place, const Lingering& ports) const;

  boost::unordered_flat_map<Key, LiveService*, KeyHash> exact_;
  boost::unordered_flat_map<Key, Wide, KeyHash> wide_;                         // port 0
  boost::unordered_flat_map<Key, std::vector<Lingering>, KeyHash> lingering_;  // port 0
  boost::unordered_flat_set<WireAddress, AddressHash> addresses_;
};

}  // namespace lvsd::ipvs::engine

// Connections that are announced before they come, from a client whose port is not known yet: FTP's passive data
// connections. Bounded, each for a minute at most; not kept over a restart. Pure; used by data_connections.
#pragma once

#include <cstdint>
#include <optional>

#include <boost/unordered/unordered_flat_map.hpp>

#include "ipvs/engine/network_order.hpp"

namespace lvsd::ipvs::engine {

// Addresses and ports in network order.
struct Expectation {
  WireAddress client;
  WireAddress virtual_address;
  std::uint16_t virtual_port = 0;
  std::uint16_t server_port = 0;
  std::uint32_t server = 0;      // slot
  std::uint32_t controller = 0;  // number of the connection that announced it
  std::uint32_t since = 0;       // stamp
};

class Expectations {
 public:
  static constexpr std::size_t kMost = 4096;
  static constexpr std::int32_t kLongest = 60'000;  // milliseconds

  bool empty() const noexcept { return all_.empty(); }
  // In place of another from the same client to the same virtual port. False: there are too many.
  bool add(const Expectation& expectation);
  void forget_old(std::uint32_t now);
  template <class Visit>
  void for_each(Visit visit) const {
    for (const auto& [key, expectation] : all_) visit(expectation);
  }
  // The one that a packet fulfils, which is expected no more.
  std::optional<Expectation> take(const WireAddress& client, const WireAddress& virtual_address,
                                  std::uint16_t virtual_port, std::uint32_t now) noexcept;

 private:
  struct Key {
    WireAddress client;
    WireAddress virtual_address;
    std::uint16_t virtual_port = 0;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const noexcept;
  };

  boost::unordered_flat_map<Key, Expectation, KeyHash> all_;
};

}  // namespace lvsd::ipvs::engine

// Which neighbours the engine has sent to lately. The kernel does not see our traffic and lets their entries grow
// stale, so the backend asks it to probe those that are in use. Pure; written by the worker per packet, read every few
// seconds.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <vector>

#include "base/address.hpp"

namespace lvsd::ipvs::engine {

class UsedNextHops {
 public:
  // `mac`: six bytes, the frame's destination. A set of 4,096 places; two neighbours that share one take turns, so that
  // at worst a probe comes one round later.
  void mark(std::uint32_t interface, const std::uint8_t* mac) {
    const std::uint64_t key = key_of(interface, mac);
    places_[(key * 0x9e3779b97f4a7c15u) >> 52] = key;
  }

  bool contains(std::uint32_t interface, const base::MacAddress& mac) const {
    const std::uint64_t key = key_of(interface, mac.bytes.data());
    return places_[(key * 0x9e3779b97f4a7c15u) >> 52] == key;
  }

  void clear() { places_.fill(0); }

 private:
  // Interface indices beyond 65,535 share keys; the consequence is a probe too many.
  static std::uint64_t key_of(std::uint32_t interface, const std::uint8_t* mac) {
    std::uint64_t key = 0;
    std::memcpy(&key, mac, 6);
    return key | (std::uint64_t{interface & 0xffff} << 48);
  }
  std::array<std::uint64_t, 4096> places_{};
};

}  // namespace lvsd::ipvs::engine

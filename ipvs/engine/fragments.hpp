// Fragments behind a first one have no ports: they follow it. Remembers first fragments for a while, and holds what
// comes before its first one. Fixed size; the oldest gives way. Used by the forwarder.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "ipvs/engine/connection.hpp"
#include "ipvs/engine/frame.hpp"
#include "ipvs/engine/keyed_hash.hpp"
#include "ipvs/engine/packet.hpp"

namespace lvsd::ipvs::engine {

class Fragments {
 public:
  static constexpr std::size_t kRemembered = 4096;  // packets whose fragments are on their way
  static constexpr std::size_t kHeld = 64;          // frames that wait for their first one
  static constexpr std::uint32_t kRememberMs = 30'000;
  static constexpr std::uint32_t kHoldMs = 1'000;

  struct Held {
    std::vector<std::uint8_t> bytes;  // with the frame's headroom
    std::uint32_t start = 0;
    std::uint32_t length = 0;
    std::uint32_t interface = 0;
    Tuple key;
    std::uint32_t since = 0;
  };

  explicit Fragments(std::uint64_t seed) : hash_{seed}, first_(kRemembered) {}

  // What the first fragment was looked up by, or null. `now`: milliseconds modulo 2^32.
  const Tuple* find(const Frame& later, std::uint32_t now) const noexcept;
  void remember(const Frame& first, const Tuple& connection, std::uint32_t now) noexcept;

  // Keeps a copy; false where there is no room.
  bool hold(const Packet& packet, const Frame& later, std::uint32_t now);
  std::vector<Held> release(const Frame& first);
  // How many were held too long; they are gone then.
  std::size_t give_up(std::uint32_t now) noexcept;

 private:
  struct First {
    Tuple key;
    Tuple connection;
    std::uint32_t since = 0;
    bool used = false;
  };
  static Tuple key_of(const Frame& fragment) noexcept;
  std::size_t set_of(const Tuple& key) const noexcept;

  static constexpr std::size_t kWays = 4;
  KeyedHash hash_;
  std::vector<First> first_;  // sets of kWays
  std::vector<Held> held_;
};

}  // namespace lvsd::ipvs::engine

// Which port of which local address a connection under fullnat gets. Nothing is remembered but where the last search
// ended: whether a port is free towards a server, the connection table knows. Ports are taken in turn, so that one is
// used again as late as can be and the server has left TIME_WAIT by then.
#pragma once

#include <cstdint>
#include <optional>

namespace lvsd::ipvs::engine {

struct LocalPort {
  std::uint32_t address = 0;  // its place among the local addresses
  std::uint16_t port = 0;     // host order
  friend bool operator==(const LocalPort&, const LocalPort&) = default;
};

// All ports from 1024 but those that the kernel gives to the host's own connections (ip_local_port_range, 32768 to
// 60999): the director may ask the same server from the same address, as health checks do.
inline constexpr std::uint32_t kLocalPorts = (32768 - 1024) + (65536 - 61000);

constexpr LocalPort local_port(std::uint32_t turn, std::uint32_t addresses) {
  constexpr std::uint32_t kLow = 32768 - 1024;
  const auto place = turn / addresses % kLocalPorts;
  const auto port = place < kLow ? 1024 + place : 61000 + (place - kLow);
  return {turn % addresses, static_cast<std::uint16_t>(port)};
}

// The next port for which `is_free(LocalPort)` holds, `turn` moved behind it. At most kTries are asked about: first in
// turn, then far apart, so that a run of long-lived connections does not look like all. Nothing when none of them is
// free, which is likely only above nineteen in twenty in use. (A worker that owns only some ports says so in is_free.)
template <class IsFree>
std::optional<LocalPort> find_local_port(std::uint32_t& turn, std::uint32_t addresses, IsFree is_free) {
  constexpr int kInTurn = 16;
  constexpr int kTries = 128;
  auto at = turn;
  for (int i = 0; i < kTries; ++i) {
    at = i < kInTurn ? at + 1 : at * 1664525u + 1013904223u;
    const auto local = local_port(at, addresses);
    if (!is_free(local)) continue;
    turn = i < kInTurn ? at : turn + kInTurn;
    return local;
  }
  turn += kInTurn;
  return std::nullopt;
}

}  // namespace lvsd::ipvs::engine

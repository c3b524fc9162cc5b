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

// A worker's part of them: every `workers`th.
struct PortShare {
  std::uint32_t workers = 1;
  std::uint32_t mine = 0;
};

inline constexpr std::uint32_t kLowPorts = 32768 - 1024;

constexpr LocalPort local_port(std::uint32_t turn, std::uint32_t addresses, const PortShare& share = {}) {
  const auto place = turn / addresses % (kLocalPorts / share.workers) * share.workers + share.mine;
  const auto port = place < kLowPorts ? 1024 + place : 61000 + (place - kLowPorts);
  return {turn % addresses, static_cast<std::uint16_t>(port)};
}

// Where the port stands among kLocalPorts; of one that is not among them, something.
constexpr std::uint32_t place_of_local_port(std::uint16_t port) {
  return port < 61000 ? std::uint32_t{port} - 1024u : kLowPorts + (port - 61000u);
}

// The next port for which `is_free(LocalPort)` holds, `turn` moved behind it. At most kTries are asked about: first in
// turn, then far apart, so that a run of long-lived connections does not look like all. Nothing when none of them is
// free, which is likely only above nineteen in twenty in use.
template <class IsFree>
std::optional<LocalPort> find_local_port(std::uint32_t& turn, std::uint32_t addresses, IsFree is_free,
                                         const PortShare& share = {}) {
  constexpr int kInTurn = 16;
  constexpr int kTries = 128;
  auto at = turn;
  for (int i = 0; i < kTries; ++i) {
    at = i < kInTurn ? at + 1 : at * 1664525u + 1013904223u;
    const auto local = local_port(at, addresses, share);
    if (!is_free(local)) continue;
    turn = i < kInTurn ? at : turn + kInTurn;
    return local;
  }
  turn += kInTurn;
  return std::nullopt;
}

}  // namespace lvsd::ipvs::engine

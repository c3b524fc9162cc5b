// Frames of a client (192.0.2.10) and of the servers of director.hpp, and what the director then says about their
// connections. For tests of the core.
#pragma once

#include <cstdint>
#include <string>

#include "tests/support/director.hpp"

namespace lvsd::test {

inline FrameSpec from_client(std::uint8_t flags, std::uint16_t port = 40000) {
  FrameSpec spec;
  spec.flags = flags;
  spec.source.port = port;
  return spec;
}
inline FrameSpec from_server(std::uint8_t flags, int n = 1, std::uint16_t port = 40000) {
  FrameSpec spec;
  spec.to = kBackMac;
  spec.from = server_mac(static_cast<std::uint8_t>(n));
  spec.source = {base::IpAddress::v4(0x0a00000au + static_cast<std::uint32_t>(n)), 8080};
  spec.destination = {ip("192.0.2.10"), port};
  spec.flags = flags;
  return spec;
}
inline FrameSpec datagram(std::uint16_t port = 40000) {
  FrameSpec spec;
  spec.protocol = 17;
  spec.source.port = port;
  spec.destination.port = 53;
  return spec;
}
// What the director makes of `spec` on its way to server n.
inline FrameSpec forwarded(FrameSpec spec, int n, ipvs::Method method = ipvs::Method::Nat) {
  spec.to = server_mac(static_cast<std::uint8_t>(n));
  spec.from = kBackMac;
  --spec.ttl;
  if (method == ipvs::Method::Nat)
    spec.destination = {base::IpAddress::v4(0x0a00000au + static_cast<std::uint32_t>(n)), 8080};
  return spec;
}

inline ipvs::ServerStatus status_of(Director& director, const std::string& name) {
  const auto services = director->status();
  for (const auto& s : services.front().servers) {
    if (s.name == name) return s;
  }
  return {};
}
inline std::string state_of_only_connection(Director& director) {
  const auto found = director->connections({}, director.now).connections;
  return found.size() == 1 ? found.front().state : "not one";
}
inline std::string server_of(Director& director, std::uint16_t client_port) {
  const auto found = director->connections({}, director.now);
  for (const auto& c : found.connections) {
    if (c.client.port == client_port) return c.server;
  }
  return "";
}

}  // namespace lvsd::test

// An Endpoint as the kernel wants it, and back. Used by the sockets of checks.
#pragma once

#include <sys/socket.h>

#include "base/address.hpp"

namespace lvsd::healthcheck {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

SocketAddress socket_address(const base::Endpoint& endpoint);

// The socket's own end; unspecified where it has none.
base::Endpoint own_endpoint(int socket);

}  // namespace lvsd::healthcheck

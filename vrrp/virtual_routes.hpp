// Adds and removes the routes that a master owns. They have a protocol number of their own, so that only what lvsd
// added is ever removed. One for the whole room.
#pragma once

#include <memory>

#include "base/result.hpp"
#include "vrrp/config.hpp"

namespace lvsd::vrrp {

inline constexpr std::uint8_t kRouteProtocol = 112;  // `ip route show proto 112`

class RouteWriter {
 public:
  RouteWriter();
  ~RouteWriter();
  RouteWriter(const RouteWriter&) = delete;
  RouteWriter& operator=(const RouteWriter&) = delete;

  // `link`: index of the interface; 0: the kernel's choice by the gateway. Success also where there is one already.
  base::Result<void> put(const VirtualRoute& route, int link);
  // Success also when it was not there.
  base::Result<void> remove(const VirtualRoute& route, int link);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lvsd::vrrp

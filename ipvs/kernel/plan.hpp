// What to do to the kernel's table to bring it to the wanted one. Pure. Used by kernel_backend.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include "ipvs/kernel/kernel_table.hpp"

namespace lvsd::ipvs::kernel {

struct Operation {
  enum class Kind { AddService, SetService, RemoveService, AddDestination, SetDestination, RemoveDestination };
  Kind kind{};
  ServiceKey service;
  ServiceSettings service_settings{};          // AddService, SetService
  base::Endpoint destination{};                // the three of destinations
  DestinationSettings destination_settings{};  // AddDestination, SetDestination
  friend bool operator==(const Operation&, const Operation&) = default;
};
std::string to_string(const Operation& operation);  // "tcp 10.0.0.100:80: add server 10.0.0.11:80"

// Which services that are not wanted are ours to remove: those that lvsd has made before, and all of them if lvsd is
// the table's only user.
struct Ownership {
  std::set<ServiceKey> services;
  bool exclusive = false;
};

struct Plan {
  std::vector<Operation> operations;
  std::size_t changes = 0;  // operations that the table differs by; the others only end what has drained
};

// The order never leaves a service without a usable destination that has one before and after: what gives connections
// comes before what takes them. A destination that is not wanted any more gets weight 0 and is removed when its
// connections have ended; likewise all of a service of ours that is not wanted any more. In an `exclusive` table what
// others made is removed at once. New services get their destinations so that the kernel's list, newest first, is in
// the order of `wanted`. Applied to `actual`, and again when what drains has drained, gives `wanted` and what others
// made.
Plan plan(const KernelTable& actual, const KernelTable& wanted, const Ownership& ours);

// Whether the kernel's settings are as good as the wanted ones: a server on the director itself is Local whatever was
// asked.
bool satisfies(const DestinationSettings& actual, const DestinationSettings& wanted);

// The operations' meaning on a value, for tests.
KernelTable applied(const std::vector<Operation>& operations, KernelTable table);

}  // namespace lvsd::ipvs::kernel

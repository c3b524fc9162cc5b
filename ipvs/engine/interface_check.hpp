// What of an interface's settings keeps AF_XDP from working, in words an administrator can act on. Used by
// attachments.cpp.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.hpp"

namespace lvsd::ipvs::engine {

struct InterfaceFeatures {
  std::uint32_t mtu = 1500;
  std::uint32_t receive_queues = 1;
  std::uint32_t transmit_queues = 1;
  bool large_receive_offload = false;
  bool generic_receive_offload = false;
};

// Asks the driver (SIOCETHTOOL). What it does not answer keeps its default; `allocated_queues` stands in where it does
// not tell how many queues are in use.
base::Result<InterfaceFeatures> read_features(const std::string& interface, std::uint32_t mtu,
                                              std::uint32_t allocated_queues);

// Empty: nothing in the way. Pure.
std::string problem_of(const std::string& interface, const InterfaceFeatures& features, bool native);

}  // namespace lvsd::ipvs::engine

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
  bool takes_tags_off = false;          // the driver, from frames of VLANs
  bool carries_vlans = false;           // VLAN devices stand on it; the caller's to say
  bool takes_redirected_frames = true;  // what native XDP programs send out of it arrives
  bool virtual_pair = false;            // veth
};

// Asks the driver (SIOCETHTOOL) and the kernel (link_features.hpp). What it does not answer keeps its default;
// `allocated_queues` stands in where it does not tell how many queues are in use.
base::Result<InterfaceFeatures> read_features(const std::string& interface, std::uint32_t mtu,
                                              std::uint32_t allocated_queues);

// Empty: nothing in the way. Pure.
std::string problem_of(const std::string& interface, const InterfaceFeatures& features, bool native);

// The same for the fast path: what keeps packets that a native program received from leaving by this interface.
std::string fast_path_problem_of(const InterfaceFeatures& features);

}  // namespace lvsd::ipvs::engine

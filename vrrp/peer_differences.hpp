// What an accepted advertisement says otherwise than our configuration: differences that both ends can live with, but
// somebody should know (RFC 9568 §7.1; two equal priorities; a stranger). Pure; the instance raises alarms.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "vrrp/advertisement.hpp"
#include "vrrp/config.hpp"
#include "vrrp/messages.hpp"

namespace lvsd::vrrp {

struct PeerDifference {
  AlarmKind kind{};
  std::string text;

  friend bool operator==(const PeerDifference&, const PeerDifference&) = default;
};

// `priority` is our effective one.
std::vector<PeerDifference> peer_differences(const Received& received, const InstanceConfig& config,
                                             std::uint8_t priority);

// The addresses in the order of the wire.
std::vector<base::IpAddress> advertised_addresses(const InstanceConfig& config);

}  // namespace lvsd::vrrp

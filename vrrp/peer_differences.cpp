#include "vrrp/peer_differences.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace lvsd::vrrp {

std::vector<PeerDifference> peer_differences(const Received& received, const InstanceConfig& config,
                                             std::uint8_t priority) {
  const auto& peer = received.advertisement;
  const auto from = received.source.to_string();
  std::vector<PeerDifference> result;
  if (peer.interval != config.advert_interval) {
    result.push_back(
        {"peer interval", fmt::format("{} advertises every {}, we every {}", from, base::format_duration(peer.interval),
                                      base::format_duration(config.advert_interval))});
  }
  if (peer.priority == priority) {
    result.push_back({"peer priority", fmt::format("{} has our priority {}", from, peer.priority)});
  }
  if (!std::ranges::is_permutation(peer.addresses, advertised_addresses(config))) {
    result.push_back({"peer addresses", fmt::format("{} advertises other addresses than we", from)});
  }
  return result;
}

std::vector<base::IpAddress> advertised_addresses(const InstanceConfig& config) {
  std::vector<base::IpAddress> addresses;
  for (const auto& address : config.virtual_addresses) {
    if (address.advertised) addresses.push_back(address.prefix.address);
  }
  return addresses;
}

}  // namespace lvsd::vrrp

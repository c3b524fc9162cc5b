#include "vrrp/peer_differences.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "vrrp/timers.hpp"

namespace lvsd::vrrp {
namespace {

// The first few, for a line of the log.
std::string joined(const std::vector<base::IpAddress>& addresses) {
  constexpr std::size_t kMost = 4;
  std::vector<std::string> words;
  for (const auto& address : addresses) {
    if (words.size() == kMost) break;
    words.push_back(address.to_string());
  }
  if (addresses.size() > kMost) words.push_back(fmt::format("{} more", addresses.size() - kMost));
  return fmt::format("{}", fmt::join(words, ", "));
}

}  // namespace

std::vector<PeerDifference> peer_differences(const Received& received, const InstanceConfig& config,
                                             std::uint8_t priority) {
  const auto& peer = received.advertisement;
  const auto from = received.source.to_string();
  std::vector<PeerDifference> result;
  const auto ours = advertised_addresses(config);
  const bool shares = std::ranges::any_of(
      peer.addresses, [&](const auto& address) { return std::ranges::find(ours, address) != ours.end(); });
  if (!shares) {
    result.push_back(
        {AlarmKind::foreign_router, fmt::format("{} uses virtual router id {} for {}, not for our addresses", from,
                                                config.virtual_router_id, joined(peer.addresses))});
    return result;
  }
  std::vector<std::string> otherwise;
  if (peer.interval != config.advert_interval) {
    otherwise.push_back(fmt::format("advertises every {}, we every {}", base::format_duration(peer.interval),
                                    base::format_duration(config.advert_interval)));
  }
  if (peer.priority == kOwnerPriority && priority == kOwnerPriority) {
    result.push_back({AlarmKind::two_owners, fmt::format("{} is the owner of the addresses (255) too", from)});
  } else if (peer.priority == priority) {
    otherwise.push_back(fmt::format("has our priority {}", peer.priority));
  }
  if (!std::ranges::is_permutation(peer.addresses, ours))
    otherwise.push_back(fmt::format("advertises {}, we {}", joined(peer.addresses), joined(ours)));
  if (!otherwise.empty())
    result.push_back({AlarmKind::peer_mismatch, fmt::format("{} {}", from, fmt::join(otherwise, "; "))});
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

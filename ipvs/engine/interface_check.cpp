#include "ipvs/engine/interface_check.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>

#include <fmt/format.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/fd.hpp"
#include "ipvs/engine/af_xdp.hpp"
#include "ipvs/engine/link_features.hpp"

namespace lvsd::ipvs::engine {
namespace {

constexpr std::uint32_t kEthernetHeader = 14;
constexpr std::uint32_t kLargestMtu = XskSocket::kLargestFrame - kEthernetHeader;

bool ask(int socket, const std::string& interface, void* question) {
  ifreq request{};
  interface.copy(request.ifr_name, sizeof request.ifr_name - 1);
  request.ifr_data = static_cast<char*>(question);
  return ioctl(socket, SIOCETHTOOL, &request) == 0;
}

bool flag(int socket, const std::string& interface, std::uint32_t command, std::uint32_t mask) {
  ethtool_value value{};
  value.cmd = command;
  return ask(socket, interface, &value) && (value.data & mask) != 0;
}

}  // namespace

base::Result<InterfaceFeatures> read_features(const std::string& interface, std::uint32_t mtu,
                                              std::uint32_t allocated_queues) {
  const base::UniqueFd socket{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  if (!socket) return base::fail_errno("socket");
  InterfaceFeatures features;
  features.mtu = mtu;
  features.receive_queues = features.transmit_queues = std::max(1u, allocated_queues);
  ethtool_channels channels{};
  channels.cmd = ETHTOOL_GCHANNELS;
  if (ask(socket.get(), interface, &channels)) {
    features.receive_queues = std::max(1u, channels.combined_count + channels.rx_count);
    features.transmit_queues = std::max(1u, channels.combined_count + channels.tx_count);
  }
  features.large_receive_offload = flag(socket.get(), interface, ETHTOOL_GFLAGS, ETH_FLAG_LRO);
  features.takes_tags_off = flag(socket.get(), interface, ETHTOOL_GFLAGS, ETH_FLAG_RXVLAN);
  features.generic_receive_offload = flag(socket.get(), interface, ETHTOOL_GGRO, 1);
  ethtool_drvinfo driver{};
  driver.cmd = ETHTOOL_GDRVINFO;
  features.virtual_pair =
      ask(socket.get(), interface, &driver) && std::string_view{driver.driver} == std::string_view{"veth"};
  // A kernel that cannot say: a driver with native XDP has it, as a rule.
  features.takes_redirected_frames =
      takes_redirected_frames(if_nametoindex(interface.c_str())).value_or(!features.virtual_pair);
  return features;
}

std::string problem_of(const std::string& interface, const InterfaceFeatures& features, bool native) {
  if (features.large_receive_offload) {
    return fmt::format("large receive offload joins frames beyond the engine's limit; run: ethtool -K {} lro off",
                       interface);
  }
  // Native XDP sees frames before GRO, generic XDP after it.
  if (!native && features.generic_receive_offload) {
    return fmt::format("generic receive offload joins frames beyond the engine's limit; run: ethtool -K {} gro off",
                       interface);
  }
  if (features.carries_vlans && features.takes_tags_off) {
    constexpr std::string_view kWhy = "frames of its VLANs come without their tags and look like its own";
    // The device has no say: the frame's sender puts the tag beside it or not.
    if (features.virtual_pair) return fmt::format("{}; run at its other end: ethtool -K IFNAME txvlan off", kWhy);
    return fmt::format("{}; run: ethtool -K {} rxvlan off", kWhy, interface);
  }
  if (features.mtu > kLargestMtu) {
    return fmt::format(
        "MTU {} is above the engine's limit of {}: larger frames are dropped; run: ip link set dev {} mtu {}",
        features.mtu, kLargestMtu, interface, std::min(1500u, kLargestMtu));
  }
  return {};
}

std::string fast_path_problem_of(const InterfaceFeatures& features) {
  if (features.takes_redirected_frames) return {};
  if (!features.virtual_pair) return "its driver does not take frames from XDP programs of other interfaces";
  return "what an XDP program sends into a veth pair is lost while the other end has neither generic receive offload "
         "nor "
         "an XDP program; run there: ethtool -K IFNAME gro on";
}

}  // namespace lvsd::ipvs::engine

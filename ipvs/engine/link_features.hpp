// What the kernel says of an interface's XDP abilities (netdev netlink family, since 6.3). Used by interface_check.cpp.
#pragma once

#include <cstdint>
#include <optional>

namespace lvsd::ipvs::engine {

// Frames that an XDP program redirects to this interface leave by it (NETDEV_XDP_ACT_NDO_XMIT): every driver has this
// or not; veth while its peer has an XDP program or generic receive offload. None: the kernel cannot be asked.
std::optional<bool> takes_redirected_frames(std::uint32_t interface);

}  // namespace lvsd::ipvs::engine

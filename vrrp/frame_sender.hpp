// Puts ready Ethernet frames on an interface: the announcements. One packet socket for the whole room, which receives
// nothing.
#pragma once

#include <cstdint>
#include <span>

#include "base/fd.hpp"
#include "base/result.hpp"

namespace lvsd::vrrp {

class FrameSender {
 public:
  base::Result<void> send(int link, std::span<const std::uint8_t> frame);

 private:
  base::UniqueFd socket_;  // opened by the first send
};

}  // namespace lvsd::vrrp

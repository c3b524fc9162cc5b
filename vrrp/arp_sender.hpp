// Puts ready ARP frames on an interface. One packet socket for the whole room, which receives nothing.
#pragma once

#include <span>

#include "base/fd.hpp"
#include "base/result.hpp"
#include "vrrp/announce.hpp"

namespace lvsd::vrrp {

class ArpSender {
 public:
  base::Result<void> send(int link, const ArpFrame& frame);

 private:
  base::UniqueFd socket_;  // opened by the first send
};

}  // namespace lvsd::vrrp

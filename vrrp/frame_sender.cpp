#include "vrrp/frame_sender.hpp"

#include <cstddef>
#include <cstring>

#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace lvsd::vrrp {

base::Result<void> FrameSender::send(int link, std::span<const std::uint8_t> frame) {
  if (!socket_) socket_.reset(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket_) return base::fail_errno("packet socket");
  sockaddr_ll target{};
  target.sll_family = AF_PACKET;
  if (frame.size() < sizeof(ether_header)) return base::fail("send announcement: no Ethernet frame");
  std::memcpy(&target.sll_protocol, frame.data() + offsetof(ether_header, ether_type), sizeof target.sll_protocol);
  target.sll_ifindex = link;
  target.sll_halen = ETH_ALEN;
  if (sendto(socket_.get(), frame.data(), frame.size(), 0, reinterpret_cast<const sockaddr*>(&target), sizeof target) <
      0) {
    return base::fail_errno("send announcement");
  }
  return {};
}

}  // namespace lvsd::vrrp

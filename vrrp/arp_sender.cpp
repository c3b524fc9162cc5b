#include "vrrp/arp_sender.hpp"

#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace lvsd::vrrp {

base::Result<void> ArpSender::send(int link, const ArpFrame& frame) {
  if (!socket_) socket_.reset(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket_) return base::fail_errno("packet socket");
  sockaddr_ll target{};
  target.sll_family = AF_PACKET;
  target.sll_protocol = htons(ETH_P_ARP);
  target.sll_ifindex = link;
  target.sll_halen = ETH_ALEN;
  if (sendto(socket_.get(), frame.data(), frame.size(), 0, reinterpret_cast<const sockaddr*>(&target), sizeof target) <
      0) {
    return base::fail_errno("send gratuitous ARP");
  }
  return {};
}

}  // namespace lvsd::vrrp

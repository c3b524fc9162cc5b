#include "vrrp/arp_watch.hpp"

#include <array>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/fd.hpp"
#include "base/log.hpp"

namespace lvsd::vrrp {
namespace {

constexpr int kFramesPerWakeup = 16;  // a storm of claims costs no more; the rest is overwritten by what follows
constexpr std::size_t kLargestFrame = 128;

base::Result<void> filter(int fd, base::Family family, const std::vector<base::IpAddress>& addresses) {
  auto program = family == base::Family::V4 ? arp_filter(addresses) : neighbour_filter(addresses);
  const sock_fprog attached{static_cast<unsigned short>(program.size()), program.data()};
  if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &attached, sizeof attached) != 0) return base::fail_errno("filter");
  return {};
}

// Filtered before it is bound: nothing unwanted is ever queued.
base::Result<base::UniqueFd> listen(int link, base::Family family, const std::vector<base::IpAddress>& addresses) {
  base::UniqueFd fd{socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!fd) return base::fail_errno("packet socket");
  if (auto filtered = filter(fd.get(), family, addresses); !filtered) return tl::unexpected{filtered.error()};
  sockaddr_ll where{};
  where.sll_family = AF_PACKET;
  where.sll_protocol = htons(family == base::Family::V4 ? ETH_P_ARP : ETH_P_IPV6);
  where.sll_ifindex = link;
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0) return base::fail_errno("bind");
  return fd;
}

}  // namespace

struct ArpWatch::Ear : std::enable_shared_from_this<ArpWatch::Ear> {
  Ear(boost::asio::io_context& loop, int fd, int index, std::vector<base::IpAddress> watched)
      : descriptor{loop, fd}, link{index}, addresses{std::move(watched)} {}

  void wait(const std::string& interface, const OnClaim& on_claim) {
    descriptor.async_wait(descriptor.wait_read, [weak = weak_from_this(), interface, on_claim](const auto& error) {
      const auto self = weak.lock();
      if (!self || error) return;
      self->read(interface, on_claim);
      self->wait(interface, on_claim);
    });
  }

  void read(const std::string& interface, const OnClaim& on_claim) {
    std::array<std::uint8_t, kLargestFrame> frame{};
    for (int i = 0; i < kFramesPerWakeup; ++i) {
      sockaddr_ll from{};
      socklen_t length = sizeof from;
      const auto size = recvfrom(descriptor.native_handle(), frame.data(), frame.size(), 0,
                                 reinterpret_cast<sockaddr*>(&from), &length);
      if (size < 0) return;
      if (from.sll_pkttype == PACKET_OUTGOING) continue;
      const std::span<const std::uint8_t> bytes{frame.data(), static_cast<std::size_t>(size)};
      const auto claim = addresses.front().is_v4() ? arp_claim(bytes) : neighbour_claim(bytes);
      if (claim) on_claim(interface, *claim);
    }
  }

  boost::asio::posix::stream_descriptor descriptor;
  int link;
  std::vector<base::IpAddress> addresses;
};

ArpWatch::ArpWatch(boost::asio::io_context& loop, OnClaim on_claim) : loop_{loop}, on_claim_{std::move(on_claim)} {}
ArpWatch::~ArpWatch() = default;

void ArpWatch::keep_to(const Wanted& wanted, const LinkTable& links) {
  std::erase_if(ears_, [&](const auto& entry) {
    const Link* link = links.find(entry.first.first);
    return !wanted.contains(entry.first) || !link || link->index != entry.second->link;
  });
  for (const auto& [key, addresses] : wanted) {
    const auto& [interface, family] = key;
    const Link* link = links.find(interface);
    if (!link || !link->arp) continue;
    if (const auto it = ears_.find(key); it != ears_.end()) {
      if (it->second->addresses == addresses) continue;
      if (filter(it->second->descriptor.native_handle(), family, addresses)) it->second->addresses = addresses;
      continue;
    }
    auto fd = listen(link->index, family, addresses);
    if (!fd) {
      if (!std::exchange(complained_, true))
        base::log::warning(interface, "others who claim our addresses will not be noticed: {}", fd.error().text);
      continue;
    }
    auto ear = std::make_shared<Ear>(loop_, fd->release(), link->index, addresses);
    ear->wait(interface, on_claim_);
    ears_.emplace(key, std::move(ear));
  }
}

}  // namespace lvsd::vrrp

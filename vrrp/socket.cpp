#include "vrrp/socket.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <linux/filter.h>
#include <sys/socket.h>

#include "base/fd.hpp"
#include "base/log.hpp"
#include "vrrp/raw_ip.hpp"

namespace lvsd::vrrp {
namespace {

constexpr int kPacketsPerWakeup = 256;  // so that a flood starves neither timers nor other interfaces
// 60 + 8 + 255 × 16 + 28; longer ones are cut and then refused by their length.
constexpr std::size_t kLargestPacket = 4352;

}  // namespace

struct Socket::Impl : std::enable_shared_from_this<Socket::Impl> {
  Impl(boost::asio::io_context& loop, int fd, int index, base::Family kind, OnPacket callback)
      : descriptor{loop, fd}, link_index{index}, family{kind}, on_packet{std::move(callback)} {}

  void wait() {
    descriptor.async_wait(descriptor.wait_read, [self = shared_from_this()](const boost::system::error_code& error) {
      if (error || !self->on_packet) return;
      self->read();
      if (self->on_packet) self->wait();
    });
  }

  void read() {
    const auto keep = shared_from_this();  // a packet may end in this socket being closed
    std::uint8_t buffer[kLargestPacket];
    for (int i = 0; i < kPacketsPerWakeup && on_packet; ++i) {
      const auto packet = receive_raw_ip(descriptor.native_handle(), family, buffer);
      if (!packet) return;
      on_packet(packet->datagram);
    }
  }

  void close() {
    on_packet = {};
    boost::system::error_code ignored;
    descriptor.close(ignored);
  }

  boost::asio::posix::stream_descriptor descriptor;
  int link_index;
  base::Family family;
  OnPacket on_packet;
};

base::Result<std::unique_ptr<Socket>> Socket::open(boost::asio::io_context& loop, const Link& link, base::Family family,
                                                   OnPacket on_packet) {
  auto fd = open_raw_ip(link, family);
  if (!fd) return tl::unexpected{fd.error()};
  auto impl = std::make_shared<Impl>(loop, fd->release(), link.index, family, std::move(on_packet));
  impl->wait();
  return std::unique_ptr<Socket>{new Socket{std::move(impl)}};
}

Socket::~Socket() { impl_->close(); }

base::Result<void> Socket::send(const base::IpAddress& source, const base::IpAddress& destination,
                                std::span<const std::uint8_t> payload) {
  return send_raw_ip(impl_->descriptor.native_handle(), impl_->link_index, source, destination, payload);
}

void Socket::filter(const Audience* audience) {
  const int fd = impl_->descriptor.native_handle();
  if (!audience) {
    constexpr int kNothing = 0;
    setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &kNothing, sizeof kNothing);
    return;
  }
  auto program = advert_filter(impl_->family, *audience);
  const sock_fprog attached{static_cast<unsigned short>(program.size()), program.data()};
  setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &attached, sizeof attached);  // without it the flood is only dearer
}

void Socket::drain() { impl_->read(); }
int Socket::link_index() const { return impl_->link_index; }

base::Result<void> Sockets::open(const Link& link, base::Family family) {
  const Channel channel{link.name, family};
  auto& slot = sockets_[channel];
  if (slot && slot->link_index() == link.index) return {};
  slot.reset();
  auto opened =
      Socket::open(loop_, link, family, [this, channel](const auto& datagram) { on_packet_(channel, datagram); });
  if (!opened) return tl::unexpected{opened.error().within("VRRP socket on " + link.name)};
  slot = std::move(*opened);
  set_filter(channel);
  return {};
}

void Sockets::keep_only(Audiences audiences) {
  std::erase_if(sockets_, [&](const auto& entry) { return !audiences.contains(entry.first); });
  std::erase_if(floods_, [&](const auto& entry) { return !audiences.contains(entry.first); });
  audiences_ = std::move(audiences);
  for (const auto& [channel, flood] : floods_) {
    if (flood.lasts()) set_filter(channel);
  }
}

unsigned Sockets::weigh(const Channel& channel, const Datagram& datagram, base::TimePoint now) {
  const auto audience = audiences_.find(channel);
  if (audience == audiences_.end()) return 1;
  return heard(channel, floods_[channel], is_noise(datagram, audience->second), now);
}

void Sockets::end_floods(base::TimePoint now) {
  for (auto& [channel, flood] : floods_) {
    if (flood.lasts()) heard(channel, flood, false, now);
  }
}

unsigned Sockets::heard(const Channel& channel, Flood& flood, bool noise, base::TimePoint now) {
  const bool lasted = flood.lasts();
  const unsigned stands_for = flood.heard(noise, now);
  if (flood.lasts() == lasted) return stands_for;
  set_filter(channel);
  base::log::notice(channel.interface, "{}",
                    lasted ? "the flood of packets that are no advertisements for us is over"
                           : "a flood of packets that are no advertisements for us: most are dropped in the kernel, "
                             "and their counters are estimates");
  return stands_for;
}

void Sockets::set_filter(const Channel& channel) {
  const auto socket = sockets_.find(channel);
  const auto audience = audiences_.find(channel);
  if (socket == sockets_.end() || !socket->second || audience == audiences_.end()) return;
  const auto flood = floods_.find(channel);
  socket->second->filter(flood != floods_.end() && flood->second.lasts() ? &audience->second : nullptr);
}

base::Result<void> Sockets::send(const Channel& channel, const base::IpAddress& source,
                                 const base::IpAddress& destination, std::span<const std::uint8_t> payload) {
  const auto it = sockets_.find(channel);
  if (it == sockets_.end() || !it->second) return base::fail("no VRRP socket on " + channel.interface);
  return it->second->send(source, destination, payload);
}

void Sockets::drain(const Channel& channel) {
  const auto it = sockets_.find(channel);
  if (it != sockets_.end() && it->second) it->second->drain();
}

}  // namespace lvsd::vrrp

#include "vrrp/socket.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include "base/fd.hpp"
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
  return {};
}

void Sockets::keep_only(const std::vector<Channel>& channels) {
  std::erase_if(sockets_,
                [&](const auto& entry) { return std::ranges::find(channels, entry.first) == channels.end(); });
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

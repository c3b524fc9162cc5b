#include "ipvs/engine/af_xdp.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <xdp/xsk.h>

namespace lvsd::ipvs::engine {
namespace {

constexpr std::size_t kMemory = std::size_t{XskSocket::kFrames} * XskSocket::kChunk;
constexpr std::uint32_t kReceiveFrames = XskSocket::kFrames / 2;
// Copy mode transmits at most 32 descriptors per system call (net/xdp/xsk.c: MAX_PER_SOCKET_BUDGET, TX_BATCH_SIZE).
constexpr std::uint32_t kPerCall = 32;
constexpr int kSpareCalls = 8;
constexpr int kSendBuffer = 32 << 20;  // copy mode charges each frame in flight to the socket

class PacketMemory {
 public:
  ~PacketMemory() {
    if (base_ != MAP_FAILED) munmap(base_, kMemory);
  }
  bool map() {
    base_ = mmap(nullptr, kMemory, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    return base_ != MAP_FAILED;
  }
  void* base() const { return base_; }
  std::uint8_t* at(std::uint64_t offset) const { return static_cast<std::uint8_t*>(base_) + offset; }
  std::uint64_t offset_of(const std::uint8_t* byte) const {
    return static_cast<std::uint64_t>(byte - static_cast<const std::uint8_t*>(base_));
  }

 private:
  void* base_ = MAP_FAILED;
};

constexpr std::uint64_t chunk_of(std::uint64_t offset) { return offset & ~std::uint64_t{XskSocket::kChunk - 1}; }

}  // namespace

struct XskSocket::Impl {
  PacketMemory memory;
  xsk_umem* umem = nullptr;
  xsk_socket* socket = nullptr;
  xsk_ring_prod fill{};
  xsk_ring_cons completion{};
  xsk_ring_cons receive{};
  xsk_ring_prod transmit{};
  std::vector<std::uint64_t> free;    // chunk offsets
  std::uint32_t with_kernel = 0;      // chunks in the fill ring or the receive ring
  std::uint32_t in_transmission = 0;  // descriptors not completed yet
  std::uint64_t received = 0;
  std::uint64_t sent = 0;
  bool zero_copy = false;
  bool busy_poll = false;

  ~Impl() {
    if (socket) xsk_socket__delete(socket);
    if (umem) xsk_umem__delete(umem);
  }
  bool push(std::uint64_t offset, std::uint32_t length);
};

namespace {

base::Result<std::uint16_t> bind_flags(const std::string& interface, const XskSocket::Wish& wish) {
  if (wish.zero_copy == ZeroCopy::Require && !wish.native)
    return base::fail(fmt::format("zero_copy = require, but XDP is generic on {}, which copies", interface));
  const bool copy = !wish.native || wish.zero_copy == ZeroCopy::Forbid;
  const int how = copy ? XDP_COPY : wish.zero_copy == ZeroCopy::Require ? XDP_ZEROCOPY : 0;
  return static_cast<std::uint16_t>(XDP_USE_NEED_WAKEUP | how);
}

bool is_zero_copy(int socket) {
  xdp_options options{};
  socklen_t size = sizeof options;
  return getsockopt(socket, SOL_XDP, XDP_OPTIONS, &options, &size) == 0 && (options.flags & XDP_OPTIONS_ZEROCOPY) != 0;
}

// Documentation/networking/napi.rst, "Busy polling": together, or not at all.
bool start_busy_poll(int socket, unsigned microseconds) {
  const auto set = [socket](int option, int value) {
    return setsockopt(socket, SOL_SOCKET, option, &value, sizeof value) == 0;
  };
  constexpr int kPreferBusyPoll = 69, kBusyPollBudget = 70;  // SO_PREFER_BUSY_POLL, SO_BUSY_POLL_BUDGET
  constexpr int kBudget = 64;
  return set(kPreferBusyPoll, 1) && set(SO_BUSY_POLL, static_cast<int>(microseconds)) && set(kBusyPollBudget, kBudget);
}

}  // namespace

base::Result<std::unique_ptr<XskSocket>> XskSocket::open(const std::string& interface, std::uint32_t queue,
                                                         const Wish& wish) {
  const auto flags = bind_flags(interface, wish);
  if (!flags) return tl::unexpected{flags.error()};
  auto impl = std::make_unique<Impl>();
  if (!impl->memory.map()) return base::fail_errno("map packet memory");
  const xsk_umem_config memory{
      .fill_size = kRing, .comp_size = kRing, .frame_size = kChunk, .frame_headroom = 0, .flags = 0};
  int error = xsk_umem__create(&impl->umem, impl->memory.base(), kMemory, &impl->fill, &impl->completion, &memory);
  if (error < 0) return base::fail_errno("register packet memory", -error);

  xsk_socket_config options{};
  options.rx_size = kRing;
  options.tx_size = kRing;
  options.libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD;
  options.bind_flags = *flags;
  error = xsk_socket__create(&impl->socket, interface.c_str(), queue, impl->umem, &impl->receive, &impl->transmit,
                             &options);
  if (error == -EOPNOTSUPP && wish.zero_copy == ZeroCopy::Require)
    return base::fail(fmt::format("zero_copy = require, but the driver of {} has no zero-copy", interface));
  if (error < 0) return base::fail_errno(fmt::format("bind AF_XDP socket to {} queue {}", interface, queue), -error);
  const int fd = xsk_socket__fd(impl->socket);
  impl->zero_copy = is_zero_copy(fd);
  impl->busy_poll = wish.busy_poll_us != 0 && start_busy_poll(fd, wish.busy_poll_us);
  setsockopt(xsk_socket__fd(impl->socket), SOL_SOCKET, SO_SNDBUFFORCE, &kSendBuffer, sizeof kSendBuffer);

  impl->free.reserve(kFrames);
  for (std::uint32_t i = 0; i < kFrames; ++i) impl->free.push_back(std::uint64_t{i} * kChunk);
  std::unique_ptr<XskSocket> opened{new XskSocket{std::move(impl)}};
  opened->refill();
  return opened;
}

XskSocket::XskSocket(std::unique_ptr<Impl> impl) : impl_{std::move(impl)} {}
XskSocket::~XskSocket() = default;

int XskSocket::fd() const { return xsk_socket__fd(impl_->socket); }
bool XskSocket::zero_copy() const { return impl_->zero_copy; }
bool XskSocket::busy_poll() const { return impl_->busy_poll; }

std::size_t XskSocket::receive(std::span<Packet> packets, std::uint32_t interface) {
  std::uint32_t index = 0;
  std::uint32_t count = xsk_ring_cons__peek(&impl_->receive, static_cast<__u32>(packets.size()), &index);
  if (count == 0 && impl_->busy_poll) {  // the driver is asked here, instead of by its interrupt
    recvfrom(fd(), nullptr, 0, MSG_DONTWAIT, nullptr, nullptr);
    count = xsk_ring_cons__peek(&impl_->receive, static_cast<__u32>(packets.size()), &index);
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    const xdp_desc* descriptor = xsk_ring_cons__rx_desc(&impl_->receive, index + i);
    const std::uint64_t chunk = chunk_of(descriptor->addr);
    Packet& packet = packets[i];
    packet.data = impl_->memory.at(descriptor->addr);
    packet.length = descriptor->len;
    packet.headroom = static_cast<std::uint32_t>(descriptor->addr - chunk);
    packet.tailroom = static_cast<std::uint32_t>(chunk + kChunk - descriptor->addr - descriptor->len);
    packet.hops = 0;  // another worker may have handed over what stood here before
    packet.interface = interface;
    __builtin_prefetch(packet.data);
  }
  if (count > 0) xsk_ring_cons__release(&impl_->receive, count);
  impl_->with_kernel -= count;
  impl_->received += count;
  return count;
}

void XskSocket::recycle(const Packet& packet) { impl_->free.push_back(chunk_of(impl_->memory.offset_of(packet.data))); }

bool XskSocket::Impl::push(std::uint64_t offset, std::uint32_t length) {
  std::uint32_t index = 0;
  if (in_transmission >= kRing || xsk_ring_prod__reserve(&transmit, 1, &index) == 0) return false;
  *xsk_ring_prod__tx_desc(&transmit, index) = {.addr = offset, .len = length, .options = 0};
  xsk_ring_prod__submit(&transmit, 1);
  ++in_transmission;
  ++sent;
  return true;
}

bool XskSocket::send(const Packet& packet) { return impl_->push(impl_->memory.offset_of(packet.data), packet.length); }

bool XskSocket::send_copy(std::span<const std::uint8_t> frame) {
  if (frame.size() > kLargestFrame) return false;
  if (impl_->free.empty()) reclaim();
  if (impl_->free.empty()) return false;
  const std::uint64_t chunk = impl_->free.back();
  std::memcpy(impl_->memory.at(chunk + kKernelHeadroom), frame.data(), frame.size());
  if (!impl_->push(chunk + kKernelHeadroom, static_cast<std::uint32_t>(frame.size()))) return false;
  impl_->free.pop_back();
  return true;
}

bool XskSocket::flush() {
  if (impl_->in_transmission == 0) return true;
  if (!xsk_ring_prod__needs_wakeup(&impl_->transmit)) return true;  // the driver polls by itself
  const int calls = static_cast<int>(impl_->in_transmission / kPerCall) + kSpareCalls;
  for (int i = 0; i < calls; ++i) {
    if (sendto(fd(), nullptr, 0, MSG_DONTWAIT, nullptr, 0) >= 0) return true;
    if (errno != EAGAIN && errno != EBUSY && errno != ENOBUFS)
      return true;  // ENETDOWN, ENXIO: calling again is of no use
    reclaim();
  }
  return false;
}

void XskSocket::reclaim() {
  std::uint32_t index = 0;
  const std::uint32_t count = xsk_ring_cons__peek(&impl_->completion, kRing, &index);
  for (std::uint32_t i = 0; i < count; ++i) {
    impl_->free.push_back(chunk_of(*xsk_ring_cons__comp_addr(&impl_->completion, index + i)));
  }
  if (count > 0) xsk_ring_cons__release(&impl_->completion, count);
  impl_->in_transmission -= count;
}

void XskSocket::refill() {
  const std::uint32_t missing = kReceiveFrames - impl_->with_kernel;
  std::uint32_t count = std::min(missing, static_cast<std::uint32_t>(impl_->free.size()));
  std::uint32_t index = 0;
  if (count > 0 && xsk_ring_prod__reserve(&impl_->fill, count, &index) == count) {
    for (std::uint32_t i = 0; i < count; ++i) {
      *xsk_ring_prod__fill_addr(&impl_->fill, index + i) = impl_->free.back();
      impl_->free.pop_back();
    }
    xsk_ring_prod__submit(&impl_->fill, count);
    impl_->with_kernel += count;
  }
  if (xsk_ring_prod__needs_wakeup(&impl_->fill)) recvfrom(fd(), nullptr, 0, MSG_DONTWAIT, nullptr, nullptr);
}

XskSocket::Statistics XskSocket::statistics() const {
  xdp_statistics kernel{};
  socklen_t size = sizeof kernel;
  Statistics statistics{.received = impl_->received, .sent = impl_->sent, .ring_full = 0};
  if (getsockopt(fd(), SOL_XDP, XDP_STATISTICS, &kernel, &size) == 0) {
    // rx_dropped also counts frames that found the rings full in copy mode (net/xdp/xsk.c, xsk_getsockopt).
    statistics.ring_full = kernel.rx_dropped + kernel.rx_ring_full;
  }
  return statistics;
}

}  // namespace lvsd::ipvs::engine

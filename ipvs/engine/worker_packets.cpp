// What a worker does with packets: from its sockets, or from other workers, through the core, and out again.
#include <algorithm>
#include <chrono>
#include <cstring>

#include <net/ethernet.h>

#include "ipvs/engine/worker_impl.hpp"

namespace lvsd::ipvs::engine {
namespace {

std::int64_t unix_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

bool Worker::Impl::serve(std::size_t index) {
  XskSocket& socket = *queues[index].socket;
  socket.reclaim();
  const std::size_t count = socket.receive(packets, queues[index].interface);
  if (count == 0) return false;
  work_on({packets.data(), count}, index);
  socket.refill();
  return true;
}

void Worker::Impl::work_on(std::span<Packet> batch, std::size_t from) {
  const std::span<Verdict> decisions{verdicts.data(), batch.size()};
  if (capture) capture->arrive(batch);
  core->forward(batch, decisions, now);
  if (capture) capture->decided(batch, decisions, unix_ns());
  apply_flow_changes();
  for (std::size_t i = 0; i < batch.size(); ++i) dispatch(from, batch[i], decisions[i]);
  send_extra_frames();
  flush_unsent();
  if (seat.relay == nullptr) {
    decided.fetch_add(batch.size(), std::memory_order_relaxed);
    return;
  }
  publish_relayed();
  const auto others = std::ranges::count(decisions, Action::HandOver, &Verdict::action);
  handed_over.fetch_add(static_cast<std::uint64_t>(others), std::memory_order_relaxed);
  decided.fetch_add(batch.size() - static_cast<std::uint64_t>(others), std::memory_order_relaxed);
}

bool Worker::Impl::serve_relay() {
  if (seat.relay == nullptr) return false;
  bool busy = false;
  for (unsigned from = 0; from < seat.relay->workers(); ++from) {
    if (from != seat.mine) busy = serve_ring(seat.relay->ring(from, seat.mine)) || busy;
  }
  return busy;
}

bool Worker::Impl::has_relayed() {
  for (unsigned from = 0; from < seat.relay->workers(); ++from) {
    if (from != seat.mine && seat.relay->ring(from, seat.mine).available() != 0) return true;
  }
  return false;
}

bool Worker::Impl::serve_ring(RelayRing& ring) {
  const auto count = std::min(ring.available(), static_cast<std::uint32_t>(kBatch));
  if (count == 0) return false;
  std::size_t to_decide = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    auto& frame = ring.at(i);
    const auto packet = frame.packet();
    if (frame.purpose == RelayedFrame::Purpose::Decide) {
      packets[to_decide++] = packet;
    } else if (const auto failed = send_copy({packet.data, packet.length}, packet.interface, 0);
               failed != DropReason::None) {
      drop(failed);
    }
  }
  if (to_decide != 0) work_on({packets.data(), to_decide}, kRelayed);
  flush_unsent();
  publish_relayed();
  ring.pop(count);
  return true;
}

void Worker::Impl::dispatch(std::size_t from, Packet& packet, const Verdict& verdict) {
  switch (verdict.action) {
    case Action::Send:
      return transmit(from, packet, verdict.interface);
    case Action::AwaitNextHop:
      await_next_hop({packet.data, packet.length}, verdict);
      break;
    case Action::HandOver:
      hand_over(packet, verdict.worker);
      break;
    case Action::ToKernel:
      // The XDP program sends up exact flows and listeners only, so this is a connection or a listener that ended while
      // the packet was on its way; there is no path back to the kernel (docs/decisions/0003-nat-replies.md).
      drop(DropReason::NoConnection);
      break;
    case Action::Drop:
      break;  // counted by the core
  }
  recycle(from, packet);
}

// What came from another worker stands in the ring's memory.
void Worker::Impl::recycle(std::size_t from, const Packet& packet) {
  if (from != kRelayed) queues[from].socket->recycle(packet);
}

void Worker::Impl::transmit(std::size_t from, const Packet& packet, std::uint32_t interface) {
  used.mark(interface, packet.data);
  if (from != kRelayed && queues[from].interface == interface && queues[from].transmits) {
    Queue& own = queues[from];
    if (own.socket->send(packet)) {
      own.unsent = true;
      return;
    }
    drop(DropReason::TransmitRingFull);
  } else if (const auto failed =
                 send_copy({packet.data, packet.length}, interface, from == kRelayed ? seat.mine : from);
             failed != DropReason::None) {
    drop(failed);
  }
  recycle(from, packet);
}

// Among the interface's queues here that transmit, one chosen by the queue that received: the order within a flow is
// kept.
Worker::Impl::Queue* Worker::Impl::way_out(std::uint32_t interface, std::size_t from) {
  Queue* first = nullptr;
  std::size_t count = 0;
  for (auto& queue : queues) {
    if (queue.interface != interface || !queue.transmits) continue;
    if (!first) first = &queue;
    ++count;
  }
  return first ? first + from % count : nullptr;  // the queues of an interface stand together
}

void Worker::Impl::send_extra_frames() {
  for (const auto& frame : core->take_extra_frames()) {
    if (frame.verdict.action == Action::AwaitNextHop) {
      await_next_hop(frame.bytes, frame.verdict);
    } else if (const auto failed = send_copy(frame.bytes, frame.verdict.interface, 0); failed != DropReason::None) {
      drop(failed);
    }
  }
}

void Worker::Impl::await_next_hop(std::span<const std::uint8_t> frame, const Verdict& verdict) {
  const NextHopKey key{verdict.interface, verdict.next_hop};
  switch (waiting.add(key, frame, now)) {
    case WaitingPackets::Added::Full:
      return drop(DropReason::NextHopQueueFull);
    case WaitingPackets::Added::WaitsAndAsk:
      return callbacks.ask(key);
    case WaitingPackets::Added::Waits:
      return;
  }
}

// None: it is on its way.
DropReason Worker::Impl::send_copy(std::span<const std::uint8_t> frame, std::uint32_t interface, std::size_t from) {
  Queue* out = way_out(interface, from);
  if (!out) return relay_out(frame, interface);
  if (!out->socket->send_copy(frame)) return DropReason::TransmitRingFull;
  out->unsent = true;
  return DropReason::None;
}

// By a worker that has a socket there: queue i is that of worker i modulo their number (Workers::add_port), so one with
// fewer queues than there are workers has them at the first ones.
DropReason Worker::Impl::relay_out(std::span<const std::uint8_t> frame, std::uint32_t interface) {
  const auto known = transmit_queues.find(interface);
  if (seat.relay == nullptr || known == transmit_queues.end()) return DropReason::NoRoute;
  const auto carrier = seat.mine % known->second;
  if (carrier == seat.mine) return DropReason::NoRoute;
  auto& ring = seat.relay->ring(seat.mine, carrier);
  return ring.push(frame, interface, RelayedFrame::Purpose::Send, 0) ? DropReason::None : DropReason::RelayFull;
}

void Worker::Impl::hand_over(const Packet& packet, unsigned worker) {
  auto& ring = seat.relay->ring(seat.mine, worker);
  const auto hops = static_cast<std::uint8_t>(packet.hops + 1);
  if (!ring.push({packet.data, packet.length}, packet.interface, RelayedFrame::Purpose::Decide, hops))
    drop(DropReason::RelayFull);
}

void Worker::Impl::publish_relayed() {
  if (seat.relay == nullptr) return;
  for (unsigned to = 0; to < seat.relay->workers(); ++to) {
    if (to != seat.mine && seat.relay->ring(seat.mine, to).publish()) seat.relay->wake(to);
  }
}

void Worker::Impl::send_waited(const NextHopKey& key, const base::MacAddress& destination) {
  for (auto& frame : waiting.take(key)) {
    const Interface* interface = core->next_hops().interface(key.interface);
    if (!interface || frame.size() < sizeof(ether_header)) {
      drop(DropReason::NextHopFailed);
      continue;
    }
    std::memcpy(frame.data(), destination.bytes.data(), ETH_ALEN);
    std::memcpy(frame.data() + ETH_ALEN, interface->mac.bytes.data(), ETH_ALEN);
    used.mark(key.interface, frame.data());
    if (const auto failed = send_copy(frame, key.interface, 0); failed != DropReason::None) drop(failed);
  }
  publish_relayed();
}

void Worker::Impl::flush_unsent() {
  for (auto& queue : queues) {
    if (queue.unsent) queue.unsent = !queue.socket->flush();
  }
}

}  // namespace lvsd::ipvs::engine

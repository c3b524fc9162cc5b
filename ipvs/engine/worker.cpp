#include "ipvs/engine/worker.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <thread>
#include <utility>

#include <net/ethernet.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>

#include "ipvs/engine/grace_period.hpp"
#include "ipvs/engine/mailbox.hpp"
#include "ipvs/engine/neighbour_book.hpp"
#include "ipvs/engine/used_next_hops.hpp"

namespace lvsd::ipvs::engine {
namespace {

constexpr base::Duration kExpireEvery = std::chrono::milliseconds{10};
constexpr base::Duration kEstimateEvery = std::chrono::seconds{2};   // dataplane §1.16
constexpr base::Duration kTellEvery = std::chrono::milliseconds{5};  // peers, of what changed
constexpr std::size_t kTellMost = 512;                               // records at once
constexpr std::uint64_t kSweepSteps = 400;                           // a whole sweep of the table takes about 4 s
constexpr std::size_t kLeastBudget = 256;
constexpr std::size_t kExpireStep = 512;  // entries looked at between two rounds of packets: well below 1 ms if all end
constexpr std::size_t kFastBudget = 8192;  // flows looked after in one go: 131,072 in 160 ms
// How long poll() may sleep: time for expiry while there are connections, the watchdog's patience otherwise.
constexpr int kSleepUnsentMs = 1;
constexpr int kSleepTellMs = 5;
constexpr int kSleepBusyMs = 20;
constexpr int kSleepIdleMs = 200;

std::int64_t unix_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

struct Queue {
  std::unique_ptr<XskSocket> socket;
  std::uint32_t interface = 0;
  bool transmits = true;
  bool unsent = false;
};

}  // namespace

struct Worker::Impl {
  Impl(std::unique_ptr<Core> c, RedirectMaps& m, FastMaps& f, Callbacks cb)
      : core{std::move(c)}, maps{m}, fast{f}, callbacks{std::move(cb)} {}

  void loop();
  void wait();
  bool serve(std::size_t index);
  void dispatch(std::size_t from, Packet& packet, const Verdict& verdict);
  void transmit(std::size_t from, const Packet& packet, std::uint32_t interface);
  void send_extra_frames();
  void await_next_hop(std::span<const std::uint8_t> frame, const Verdict& verdict);
  void send_waited(const NextHopKey& key, const base::MacAddress& destination);
  Queue* way_out(std::uint32_t interface, std::size_t from);
  bool send_copy(std::span<const std::uint8_t> frame, std::uint32_t interface);
  void apply_flow_changes();
  void keep_time();
  void expire_step();
  bool has_to_tell() const { return wants_changes && core->has_changes(); }
  void tell_changes();
  void keep_fast_path();
  void give_up_waiting();
  void flush_unsent();
  void learn(const Neighbour& neighbour);
  void drop(DropReason reason) { core->count_drop(reason); }

  std::unique_ptr<Core> core;
  RedirectMaps& maps;
  FastMaps& fast;
  Callbacks callbacks;
  GracePeriod grace;
  bool neighbours_known = false;
  std::unique_ptr<Capture> capture;
  Mailbox mailbox;
  std::vector<Queue> queues;
  std::vector<pollfd> descriptors;  // the mailbox, then one per queue
  WaitingPackets waiting;
  UsedNextHops used;
  NeighbourBook neighbours;
  base::TimePoint now;
  base::TimePoint next_expire;
  base::TimePoint next_estimate;
  base::TimePoint next_tell;
  std::function<void(sync::Batch)> wants_changes;
  std::size_t expire_budget = kLeastBudget;
  std::size_t expire_owed = 0;  // of the budget
  std::array<Packet, kBatch> packets;
  std::array<Verdict, kBatch> verdicts;
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> progress{0};
  std::atomic<std::uint64_t> refused_flows{0};
  std::thread thread;
};

void Worker::Impl::loop() {
  pthread_setname_np(pthread_self(), "lvsd-engine");
  while (!stop.load(std::memory_order_relaxed)) {
    progress.fetch_add(1, std::memory_order_relaxed);
    now = base::Clock::now();
    // A capture is to see every packet.
    fast.beat(capture ? base::TimePoint{} : now);
    mailbox.run();
    bool busy = false;
    for (std::size_t i = 0; i < queues.size(); ++i) busy = serve(i) || busy;
    keep_time();
    tell_changes();
    flush_unsent();
    if (!busy) wait();
  }
  mailbox.run();  // whoever waits for an answer gets it
}

void Worker::Impl::wait() {
  if (descriptors.size() != queues.size() + 1) {
    descriptors.assign(1, pollfd{mailbox.wake_fd(), POLLIN, 0});
    for (const auto& queue : queues) descriptors.push_back({queue.socket->fd(), POLLIN, 0});
  }
  int sleep = kSleepIdleMs;
  if (core->connection_entries() > 0 || waiting.size() > 0) sleep = kSleepBusyMs;
  if (has_to_tell()) sleep = kSleepTellMs;
  if (std::ranges::any_of(queues, &Queue::unsent)) sleep = kSleepUnsentMs;
  if (expire_owed > 0) sleep = 0;
  poll(descriptors.data(), descriptors.size(), sleep);
}

bool Worker::Impl::serve(std::size_t index) {
  XskSocket& socket = *queues[index].socket;
  socket.reclaim();
  const std::size_t count = socket.receive(packets, queues[index].interface);
  if (count == 0) return false;
  const std::span<Packet> batch{packets.data(), count};
  if (capture) capture->arrive(batch);
  core->forward(batch, std::span{verdicts.data(), count}, now);
  if (capture) capture->decided(batch, std::span{verdicts.data(), count}, unix_ns());
  apply_flow_changes();
  for (std::size_t i = 0; i < count; ++i) dispatch(index, batch[i], verdicts[i]);
  send_extra_frames();
  flush_unsent();
  socket.refill();
  return true;
}

void Worker::Impl::dispatch(std::size_t from, Packet& packet, const Verdict& verdict) {
  switch (verdict.action) {
    case Action::Send:
      return transmit(from, packet, verdict.interface);
    case Action::AwaitNextHop:
      await_next_hop({packet.data, packet.length}, verdict);
      break;
    case Action::ToKernel:
      // The XDP program sends up exact flows and listeners only, so this is a connection or a listener that ended while
      // the packet was on its way; there is no path back to the kernel (docs/decisions/0003-nat-replies.md).
      drop(DropReason::NoConnection);
      break;
    case Action::Drop:
      break;  // counted by the core
  }
  queues[from].socket->recycle(packet);
}

void Worker::Impl::transmit(std::size_t from, const Packet& packet, std::uint32_t interface) {
  Queue& own = queues[from];
  used.mark(interface, packet.data);
  if (own.interface == interface && own.transmits) {
    if (own.socket->send(packet)) {
      own.unsent = true;
      return;
    }
    drop(DropReason::TransmitRingFull);
  } else if (Queue* out = way_out(interface, from); !out) {
    drop(DropReason::NoRoute);
  } else if (!out->socket->send_copy({packet.data, packet.length})) {
    drop(DropReason::TransmitRingFull);
  } else {
    out->unsent = true;
  }
  own.socket->recycle(packet);
}

// Among the interface's queues that transmit, one chosen by the queue that received: the order within a flow is kept.
Queue* Worker::Impl::way_out(std::uint32_t interface, std::size_t from) {
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
    } else if (!send_copy(frame.bytes, frame.verdict.interface)) {
      drop(DropReason::TransmitRingFull);
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

bool Worker::Impl::send_copy(std::span<const std::uint8_t> frame, std::uint32_t interface) {
  Queue* out = way_out(interface, 0);
  if (!out || !out->socket->send_copy(frame)) return false;
  out->unsent = true;
  return true;
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
    if (!send_copy(frame, key.interface)) drop(DropReason::TransmitRingFull);
  }
}

void Worker::Impl::apply_flow_changes() {
  const auto changes = core->take_flow_changes();
  if (changes.empty()) return;
  if (const auto refused = maps.change_flows(changes)) refused_flows.fetch_add(refused, std::memory_order_relaxed);
}

void Worker::Impl::keep_time() {
  if (now >= next_expire) {
    next_expire = now + kExpireEvery;
    expire_owed = expire_budget;
    keep_fast_path();
    give_up_waiting();
  }
  expire_step();
  if (now >= next_estimate) {
    next_estimate = now + kEstimateEvery;
    core->estimate();
  }
}

// A large table is gone through in steps, and packets are served between them.
void Worker::Impl::expire_step() {
  if (expire_owed == 0) return;
  const auto step = std::min(expire_owed, kExpireStep);
  expire_owed -= step;
  core->expire(now, step);
  apply_flow_changes();
}

void Worker::Impl::tell_changes() {
  if (!has_to_tell() || now < next_tell) return;
  next_tell = now + kTellEvery;
  auto batch = core->take_changes(kTellMost, now);
  if (!batch.records.empty()) std::exchange(wants_changes, nullptr)(std::move(batch));
}

// Before the ways out are known nothing can be said of flows that were taken over.
void Worker::Impl::keep_fast_path() {
  if (!queues.empty() && neighbours_known) core->keep_fast_path(now, kFastBudget, used);
  if (grace.has_ended()) core->end_grace();
  if (core->begin_grace()) grace.begin();
}

void Worker::Impl::give_up_waiting() {
  for (auto failed = waiting.expire(now); failed > 0; --failed) drop(DropReason::NextHopFailed);
  for (const auto& key : waiting.ask_again(now)) callbacks.ask(key);
}

void Worker::Impl::flush_unsent() {
  for (auto& queue : queues) {
    if (queue.unsent) queue.unsent = !queue.socket->flush();
  }
}

void Worker::Impl::learn(const Neighbour& neighbour) {
  const NextHopKey key{neighbour.interface, neighbour.address};
  core->next_hops().set_neighbour(neighbour);
  if (neighbours.learn(neighbour)) callbacks.ask(key);
  if (neighbour.usable) return send_waited(key, neighbour.mac);
  if (!neighbour.failed) return;
  for (auto lost = waiting.take(key).size(); lost > 0; --lost) drop(DropReason::NextHopFailed);
}

base::Result<std::unique_ptr<Worker>> Worker::start(std::unique_ptr<Core> core, std::uint32_t max_connections,
                                                    RedirectMaps& maps, FastMaps& fast, Callbacks callbacks) {
  auto impl = std::make_unique<Impl>(std::move(core), maps, fast, std::move(callbacks));
  if (impl->mailbox.wake_fd() < 0) return base::fail_errno("eventfd");
  impl->now = base::Clock::now();
  impl->expire_budget = std::max(kLeastBudget, static_cast<std::size_t>(max_connections / kSweepSteps));
  // Signals are for the room's loop.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  impl->thread = std::thread{[worker = impl.get()] { worker->loop(); }};
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return std::unique_ptr<Worker>{new Worker{std::move(impl)}};
}

Worker::Worker(std::unique_ptr<Impl> impl) : impl_{std::move(impl)} {}

Worker::~Worker() {
  impl_->stop.store(true);
  impl_->mailbox.post([] {});
  impl_->thread.join();
}

void Worker::post(std::function<void(Core&)> task) {
  impl_->mailbox.post([task = std::move(task), core = impl_->core.get()] { task(*core); });
}

bool Worker::call(const std::function<void(Core&)>& task) {
  return impl_->mailbox.call([&task, core = impl_->core.get()] { task(*core); }, kAnswerLimit);
}

void Worker::next_changes(std::function<void(sync::Batch)> then) {
  impl_->mailbox.post([worker = impl_.get(), then = std::move(then)] { worker->wants_changes = then; });
}

void Worker::add_port(Port port) {
  remove_port(port.interface);
  const auto shared = std::make_shared<Port>(std::move(port));
  impl_->mailbox.post([worker = impl_.get(), shared] {
    std::uint32_t index = 0;
    for (auto& socket : shared->sockets) {
      worker->queues.push_back({std::move(socket), shared->interface, index++ < shared->transmit_queues, false});
    }
    worker->descriptors.clear();
  });
}

bool Worker::remove_port(std::uint32_t interface) {
  return impl_->mailbox.call(
      [worker = impl_.get(), interface] {
        std::erase_if(worker->queues, [&](const Queue& queue) { return queue.interface == interface; });
        worker->descriptors.clear();
      },
      kAnswerLimit);
}

void Worker::set_neighbour(const Neighbour& neighbour) {
  impl_->mailbox.post([worker = impl_.get(), neighbour] { worker->learn(neighbour); });
}

void Worker::forget_neighbour(const NextHopKey& key) {
  impl_->mailbox.post([worker = impl_.get(), key] {
    worker->neighbours.forget(key);
    worker->core->next_hops().forget_neighbour(key.interface, key.address);
  });
}

void Worker::replace_neighbours(std::vector<Neighbour> all) {
  impl_->mailbox.post([worker = impl_.get(), all = std::move(all)] {
    worker->core->next_hops().clear_neighbours();
    worker->neighbours.clear();
    // Only an event says when something failed; what the dump shows may be long past.
    for (const auto& neighbour : all) {
      if (!neighbour.failed) worker->learn(neighbour);
    }
    worker->neighbours_known = true;
  });
}

void Worker::probe_used_neighbours() {
  impl_->mailbox.post([worker = impl_.get()] {
    for (const auto& key : worker->neighbours.in_use(worker->used)) worker->callbacks.ask(key);
    worker->used.clear();
  });
}

void Worker::set_capture(std::unique_ptr<Capture> capture) {
  const auto shared = std::make_shared<std::unique_ptr<Capture>>(std::move(capture));
  impl_->mailbox.post([worker = impl_.get(), shared] { worker->capture.swap(*shared); });
}

CapturedBatch Worker::fetch_capture(CaptureCounts& counts) {
  // The task may run after this call has given up.
  struct Fetched {
    CapturedBatch batch = CapturedBatch::make();
    CaptureCounts counts;
  };
  const auto fetched = std::make_shared<Fetched>();
  const bool done = impl_->mailbox.call(
      [worker = impl_.get(), fetched] {
        if (!worker->capture) return;
        fetched->counts = worker->capture->counts();
        fetched->batch = worker->capture->fetch(std::move(fetched->batch));
      },
      kAnswerLimit);
  if (!done) return {};
  counts = fetched->counts;
  return std::move(fetched->batch);
}

std::vector<PortStatistics> Worker::port_statistics() {
  std::vector<PortStatistics> ports;
  impl_->mailbox.call(
      [worker = impl_.get(), &ports] {
        for (const auto& queue : worker->queues) {
          if (ports.empty() || ports.back().interface != queue.interface) ports.push_back({queue.interface, 0, {}});
          const auto statistics = queue.socket->statistics();
          auto& port = ports.back();
          ++port.queues;
          port.total.received += statistics.received;
          port.total.sent += statistics.sent;
          port.total.ring_full += statistics.ring_full;
        }
      },
      kAnswerLimit);
  return ports;
}

std::uint64_t Worker::progress() const { return impl_->progress.load(std::memory_order_relaxed); }
std::uint64_t Worker::refused_flows() const { return impl_->refused_flows.load(std::memory_order_relaxed); }

}  // namespace lvsd::ipvs::engine

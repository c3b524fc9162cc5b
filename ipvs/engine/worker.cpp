#include "ipvs/engine/worker.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include <pthread.h>
#include <signal.h>

#include "ipvs/engine/worker_impl.hpp"

namespace lvsd::ipvs::engine {
namespace {

constexpr base::Duration kExpireEvery = std::chrono::milliseconds{10};
constexpr base::Duration kEstimateEvery = std::chrono::seconds{2};   // dataplane §1.16
constexpr base::Duration kTellEvery = std::chrono::milliseconds{5};  // peers, of what changed
constexpr std::size_t kTellMost = 512;                               // records at once
constexpr std::uint64_t kSweepSteps = 400;                           // a whole sweep of the table takes about 4 s
constexpr std::size_t kExpireStep = 512;  // entries looked at between two rounds of packets: well below 1 ms if all end
constexpr std::size_t kFastBudget = 8192;  // flows looked after in one go: 131,072 in 160 ms
// How long poll() may sleep: time for expiry while there are connections, the watchdog's patience otherwise.
constexpr int kSleepUnsentMs = 1;
constexpr int kSleepTellMs = 5;
constexpr int kSleepBusyMs = 20;
constexpr int kSleepIdleMs = 200;

}  // namespace

void Worker::Impl::loop() {
  const auto name = seat.relay == nullptr ? std::string{"lvsd-engine"} : "lvsd-engine-" + std::to_string(seat.mine);
  pthread_setname_np(pthread_self(), name.c_str());
  while (!stop.load(std::memory_order_relaxed)) {
    progress.fetch_add(1, std::memory_order_relaxed);
    now = base::Clock::now();
    // A capture is to see every packet.
    fast.beat(capture ? base::TimePoint{} : now);
    mailbox.run();
    const bool busy = !holds && serve_all();
    keep_time();
    tell_changes();
    flush_unsent();
    if (!busy) wait();
  }
  mailbox.run();  // whoever waits for an answer gets it
}

bool Worker::Impl::serve_all() {
  bool busy = false;
  for (std::size_t i = 0; i < queues.size(); ++i) busy = serve(i) || busy;
  return serve_relay() || busy;
}

void Worker::Impl::wait() {
  if (holds) {
    pollfd tasks{mailbox.wake_fd(), POLLIN, 0};
    poll(&tasks, 1, kSleepBusyMs);
    return;
  }
  if (descriptors.empty()) {
    descriptors.push_back({mailbox.wake_fd(), POLLIN, 0});
    if (seat.relay != nullptr) descriptors.push_back({seat.relay->wake_fd(seat.mine), POLLIN, 0});
    for (const auto& queue : queues) descriptors.push_back({queue.socket->fd(), POLLIN, 0});
  }
  int milliseconds = kSleepIdleMs;
  if (core->connection_entries() > 0 || waiting.size() > 0) milliseconds = kSleepBusyMs;
  if (has_to_tell()) milliseconds = kSleepTellMs;
  if (std::ranges::any_of(queues, &Queue::unsent)) milliseconds = kSleepUnsentMs;
  if (expire_owed > 0) milliseconds = 0;
  if (seat.relay == nullptr) {
    poll(descriptors.data(), descriptors.size(), milliseconds);
    return;
  }
  seat.relay->going_to_sleep(seat.mine);
  if (!has_relayed()) poll(descriptors.data(), descriptors.size(), milliseconds);
  seat.relay->awake(seat.mine);
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
  if (!transmit_queues.empty() && neighbours_known) core->keep_fast_path(now, kFastBudget, used);
  if (grace.has_ended()) core->end_grace();
  if (core->begin_grace()) grace.begin();
}

void Worker::Impl::give_up_waiting() {
  for (auto failed = waiting.expire(now); failed > 0; --failed) drop(DropReason::NextHopFailed);
  for (const auto& key : waiting.ask_again(now)) callbacks.ask(key);
}

void Worker::Impl::learn(const Neighbour& neighbour) {
  const NextHopKey key{neighbour.interface, neighbour.address};
  core->next_hops().set_neighbour(neighbour);
  if (neighbours.learn(neighbour)) callbacks.ask(key);
  if (neighbour.usable) return send_waited(key, neighbour.mac);
  if (!neighbour.failed) return;
  for (auto lost = waiting.take(key).size(); lost > 0; --lost) drop(DropReason::NextHopFailed);
}

base::Result<std::unique_ptr<Worker>> Worker::start(std::unique_ptr<Core> core, const Seat& seat,
                                                    std::uint32_t max_connections, RedirectMaps& maps, FastMaps& fast,
                                                    Callbacks callbacks) {
  auto impl = std::make_unique<Impl>(std::move(core), seat, maps, fast, std::move(callbacks));
  if (impl->mailbox.wake_fd() < 0) return base::fail_errno("eventfd");
  impl->now = base::Clock::now();
  impl->expire_budget = std::max(Impl::kLeastBudget, static_cast<std::size_t>(max_connections / kSweepSteps));
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
  impl_->mailbox.post([task = std::move(task), worker = impl_.get()] {
    task(*worker->core);
    worker->apply_flow_changes();
  });
}

bool Worker::call(const std::function<void(Core&)>& task) {
  const auto whole = [&task, worker = impl_.get()] {
    task(*worker->core);
    worker->apply_flow_changes();
  };
  return impl_->mailbox.call(whole, kAnswerLimit);
}

void Worker::hold(bool on) {
  impl_->mailbox.call([worker = impl_.get(), on] { worker->holds = on; }, kAnswerLimit);
}

void Worker::next_changes(std::function<void(sync::Batch)> then) {
  impl_->mailbox.post([worker = impl_.get(), then = std::move(then)] { worker->wants_changes = then; });
}

void Worker::add_port(std::uint32_t interface, std::uint32_t transmit_queues, std::vector<PortQueue> queues) {
  remove_port(interface);
  const auto shared = std::make_shared<std::vector<PortQueue>>(std::move(queues));
  impl_->mailbox.post([worker = impl_.get(), interface, transmit_queues, shared] {
    for (auto& [socket, transmits] : *shared)
      worker->queues.push_back({std::move(socket), interface, transmits, false});
    worker->transmit_queues[interface] = transmit_queues;
    worker->descriptors.clear();
  });
}

bool Worker::remove_port(std::uint32_t interface) {
  return impl_->mailbox.call(
      [worker = impl_.get(), interface] {
        std::erase_if(worker->queues, [&](const auto& queue) { return queue.interface == interface; });
        worker->transmit_queues.erase(interface);
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
WorkerStatus Worker::status() const {
  WorkerStatus status;
  status.packets = impl_->decided.load(std::memory_order_relaxed);
  status.handed_over = impl_->handed_over.load(std::memory_order_relaxed);
  return status;
}
std::uint64_t Worker::refused_flows() const { return impl_->refused_flows.load(std::memory_order_relaxed); }

}  // namespace lvsd::ipvs::engine

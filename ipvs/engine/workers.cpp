#include "ipvs/engine/workers.hpp"

#include <algorithm>
#include <utility>

#include "ipvs/engine/merge.hpp"

namespace lvsd::ipvs::engine {

base::Result<std::unique_ptr<Workers>> Workers::start(std::vector<std::unique_ptr<Core>> cores,
                                                      const Grouping& grouping, std::uint32_t max_connections,
                                                      RedirectMaps& maps, FastMaps& fast,
                                                      const Worker::Callbacks& callbacks) {
  std::unique_ptr<Workers> workers{new Workers};
  workers->division_ = Division{static_cast<unsigned>(cores.size()), 0, grouping};
  if (cores.size() > 1) {
    auto relay = Relay::create(static_cast<unsigned>(cores.size()));
    if (!relay) return tl::unexpected{relay.error()};
    workers->relay_ = std::move(*relay);
  }
  for (auto& core : cores) {
    const Worker::Seat seat{workers->size(), workers->relay_.get()};
    auto started = Worker::start(std::move(core), seat, max_connections, maps, fast, callbacks);
    if (!started) return tl::unexpected{started.error()};
    workers->workers_.push_back(std::move(*started));
  }
  return workers;
}

void Workers::set_grouping(const Grouping& grouping) {
  division_ = Division{size(), 0, grouping};
  if (size() == 1) return;
  call([&](Core& core) { core.set_grouping(grouping); });
  known_ = {};
  share_addresses();
}

void Workers::share_addresses() {
  if (size() == 1) return;
  KnownAddresses all;
  call([&](Core& core) { merge(all, core.known_addresses()); });
  if (all == known_) return;
  call([&](Core& core) { core.know(all); });
  known_ = std::move(all);
}

void Workers::post(const std::function<void(Core&)>& task) {
  for (auto& worker : workers_) worker->post(task);
}

bool Workers::call(const std::function<void(Core&)>& task) {
  return std::ranges::all_of(workers_, [&](auto& worker) { return worker->call(task); });
}

void Workers::hold(bool on) {
  for (auto& worker : workers_) worker->hold(on);
}

void Workers::add_port(Port port) {
  std::vector<std::vector<PortQueue>> shares(workers_.size());
  std::uint32_t index = 0;
  for (auto& socket : port.sockets) {
    shares[index % workers_.size()].push_back({std::move(socket), index < port.transmit_queues});
    ++index;
  }
  const auto transmitting = std::clamp(port.transmit_queues, 1u, std::max(index, 1u));
  for (std::size_t i = 0; i < workers_.size(); ++i)
    workers_[i]->add_port(port.interface, transmitting, std::move(shares[i]));
}

bool Workers::remove_port(std::uint32_t interface) {
  bool removed = true;
  for (auto& worker : workers_) removed = worker->remove_port(interface) && removed;
  return removed;
}

void Workers::set_neighbour(const Neighbour& neighbour) {
  for (auto& worker : workers_) worker->set_neighbour(neighbour);
}
void Workers::forget_neighbour(const NextHopKey& key) {
  for (auto& worker : workers_) worker->forget_neighbour(key);
}
void Workers::replace_neighbours(const std::vector<Neighbour>& neighbours) {
  for (auto& worker : workers_) worker->replace_neighbours(neighbours);
}
void Workers::probe_used_neighbours() {
  for (auto& worker : workers_) worker->probe_used_neighbours();
}

void Workers::set_captures(std::vector<std::unique_ptr<Capture>> captures) {
  captures.resize(workers_.size());
  for (std::size_t i = 0; i < workers_.size(); ++i) workers_[i]->set_capture(std::move(captures[i]));
}

CapturedBatch Workers::fetch_captures(CaptureCounts& counts) {
  std::vector<CapturedBatch> all;
  for (auto& worker : workers_) {
    CaptureCounts some;
    all.push_back(worker->fetch_capture(some));
    counts.seen += some.seen;
    counts.matching += some.matching;
    counts.missed += some.missed;
  }
  return merge(std::move(all));
}

std::vector<PortStatistics> Workers::port_statistics() {
  std::vector<PortStatistics> all;
  for (auto& worker : workers_) {
    for (const auto& part : worker->port_statistics()) {
      const auto known = std::ranges::find(all, part.interface, &PortStatistics::interface);
      if (known == all.end()) {
        all.push_back(part);
        continue;
      }
      known->queues += part.queues;
      known->total.received += part.total.received;
      known->total.sent += part.total.sent;
      known->total.ring_full += part.total.ring_full;
    }
  }
  return all;
}

std::uint64_t Workers::progress() const {
  std::uint64_t slowest = ~std::uint64_t{0};
  for (const auto& worker : workers_) slowest = std::min(slowest, worker->progress());
  return slowest;
}

std::uint64_t Workers::refused_flows() const {
  std::uint64_t all = 0;
  for (const auto& worker : workers_) all += worker->refused_flows();
  return all;
}

std::vector<WorkerStatus> Workers::status() const {
  std::vector<WorkerStatus> all;
  for (const auto& worker : workers_) all.push_back(worker->status());
  return all;
}

}  // namespace lvsd::ipvs::engine

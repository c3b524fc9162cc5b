// All workers of the engine as one: each has a core with a share of the clients, and a share of every interface's
// queues. What the control loop wants of them goes to each as a task of its own; they share no table. Used by the
// engine backend, the attachments and the capture session, on the room's loop.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/result.hpp"
#include "ipvs/engine/division.hpp"
#include "ipvs/engine/worker.hpp"

namespace lvsd::ipvs::engine {

class Workers {
 public:
  // Cores that have joined (Core::join), in their order. `max_connections` of each, for the pace of expiry.
  static base::Result<std::unique_ptr<Workers>> start(std::vector<std::unique_ptr<Core>> cores,
                                                      const Grouping& grouping, std::uint32_t max_connections,
                                                      RedirectMaps& maps, FastMaps& fast,
                                                      const Worker::Callbacks& callbacks);

  unsigned size() const { return static_cast<unsigned>(workers_.size()); }
  Worker& worker(unsigned i) { return *workers_[i]; }

  // How they share the clients; the same at all of them once this returns.
  const Division& division() const { return division_; }
  void set_grouping(const Grouping& grouping);
  // Every few seconds, and after every change of the table: each gets to know what the others do.
  void share_addresses();

  // To each of them.
  void post(const std::function<void(Core&)>& task);
  // One after the other, waiting for each; false when one did not come round to it.
  bool call(const std::function<void(Core&)>& task);

  // Packets wait in the sockets and rings, or go on.
  void hold(bool on);

  // Queue i is that of worker i modulo their number.
  void add_port(Port port);
  bool remove_port(std::uint32_t interface);

  void set_neighbour(const Neighbour& neighbour);
  void forget_neighbour(const NextHopKey& key);
  void replace_neighbours(const std::vector<Neighbour>& neighbours);
  void probe_used_neighbours();

  // One for each worker, or none.
  void set_captures(std::vector<std::unique_ptr<Capture>> captures);
  // Those of all, in the order of time.
  CapturedBatch fetch_captures(CaptureCounts& counts);

  std::vector<PortStatistics> port_statistics();
  std::uint64_t progress() const;  // of the slowest
  std::uint64_t refused_flows() const;
  std::vector<WorkerStatus> status() const;  // without connections

 private:
  Workers() = default;

  Division division_;
  KnownAddresses known_;
  std::unique_ptr<Relay> relay_;  // null: there is one worker
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace lvsd::ipvs::engine

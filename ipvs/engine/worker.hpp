// A thread that moves packets: receive → core → flow changes → transmit, in batches. Owns its Core; whoever wants
// something of the Core puts a task into the mailbox. It serves its share of the sockets, and what other workers hand
// over to it. Used by Workers.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "ipvs/engine/af_xdp.hpp"
#include "ipvs/engine/capture.hpp"
#include "ipvs/engine/core.hpp"
#include "ipvs/engine/fast_maps.hpp"
#include "ipvs/engine/redirect_maps.hpp"
#include "ipvs/engine/relay.hpp"
#include "ipvs/engine/waiting_packets.hpp"

namespace lvsd::ipvs::engine {

// One interface's sockets; queue i has socket i.
struct Port {
  std::uint32_t interface = 0;
  std::uint32_t transmit_queues = 1;  // sockets beyond these only receive
  std::vector<std::unique_ptr<XskSocket>> sockets;
  bool zero_copy = true;  // all of them
  bool busy_poll = true;
};

struct PortQueue {
  std::unique_ptr<XskSocket> socket;
  bool transmits = true;
};

struct PortStatistics {
  std::uint32_t interface = 0;
  std::uint32_t queues = 0;
  XskSocket::Statistics total;
};

class Worker {
 public:
  static constexpr std::size_t kBatch = 64;
  static constexpr base::Duration kAnswerLimit = std::chrono::seconds{5};

  // Its place among several; the relay outlives them all.
  struct Seat {
    unsigned mine = 0;
    Relay* relay = nullptr;  // null: it is the only one
  };

  // Called on the worker's thread; must not block.
  struct Callbacks {
    std::function<void(const NextHopKey&)> ask;  // resolve this neighbour, or probe it
  };

  // The maps must outlive the worker. `max_connections` sets the pace of expiry.
  static base::Result<std::unique_ptr<Worker>> start(std::unique_ptr<Core> core, const Seat& seat,
                                                     std::uint32_t max_connections, RedirectMaps& maps, FastMaps& fast,
                                                     Callbacks callbacks);
  ~Worker();  // ends the thread
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Executes the task between batches, some time soon.
  void post(std::function<void(Core&)> task);
  // Executes it and waits; false when the worker did not come round to it within kAnswerLimit (it is stuck).
  bool call(const std::function<void(Core&)>& task);

  // Packets wait in the sockets and rings, or go on, once this returns.
  void hold(bool on);

  // What the core has to tell peers, once it has something; called once, on the worker's thread.
  void next_changes(std::function<void(sync::Batch)> then);

  // Replaces an earlier one of the same interface. `transmit_queues`: how many all workers have there, of which these
  // are this one's.
  void add_port(std::uint32_t interface, std::uint32_t transmit_queues, std::vector<PortQueue> queues);
  bool remove_port(std::uint32_t interface);  // true once its sockets are closed

  void set_neighbour(const Neighbour& neighbour);  // also sends what waited for it
  void forget_neighbour(const NextHopKey& key);
  void replace_neighbours(std::vector<Neighbour> neighbours);
  void probe_used_neighbours();  // asks for every usable neighbour sent to since the last call

  // What it works on is copied into `capture` from now on; null ends it. One at a time.
  void set_capture(std::unique_ptr<Capture> capture);
  // What was captured since the last call; nothing where there is no capture.
  CapturedBatch fetch_capture(CaptureCounts& counts);

  std::vector<PortStatistics> port_statistics();
  std::uint64_t progress() const;  // grows while the loop turns
  std::uint64_t refused_flows() const;
  WorkerStatus status() const;  // without connections

 private:
  struct Impl;
  explicit Worker(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace lvsd::ipvs::engine

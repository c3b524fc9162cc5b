// What is behind Worker. Shared by worker.cpp (its day) and worker_packets.cpp (what it does with packets).
#pragma once

#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <span>
#include <thread>
#include <vector>

#include <poll.h>

#include "ipvs/engine/grace_period.hpp"
#include "ipvs/engine/mailbox.hpp"
#include "ipvs/engine/neighbour_book.hpp"
#include "ipvs/engine/used_next_hops.hpp"
#include "ipvs/engine/worker.hpp"

namespace lvsd::ipvs::engine {

struct Worker::Impl {
  struct Queue {
    std::unique_ptr<XskSocket> socket;
    std::uint32_t interface = 0;
    bool transmits = true;
    bool unsent = false;
  };
  static constexpr std::size_t kLeastBudget = 256;

  Impl(std::unique_ptr<Core> c, const Seat& s, RedirectMaps& m, FastMaps& f, Callbacks cb)
      : core{std::move(c)}, seat{s}, maps{m}, fast{f}, callbacks{std::move(cb)} {}

  void loop();
  bool serve_all();
  void wait();
  void keep_time();
  void expire_step();
  bool has_to_tell() const { return wants_changes && core->has_changes(); }
  void tell_changes();
  void keep_fast_path();
  void give_up_waiting();
  void learn(const Neighbour& neighbour);
  void apply_flow_changes();

  // worker_packets.cpp. `from`: the queue that the packets came by, or kRelayed.
  static constexpr std::size_t kRelayed = ~std::size_t{0};
  bool serve(std::size_t index);
  bool serve_relay();
  bool serve_ring(RelayRing& ring);
  bool has_relayed();
  void work_on(std::span<Packet> batch, std::size_t from);
  void dispatch(std::size_t from, Packet& packet, const Verdict& verdict);
  void recycle(std::size_t from, const Packet& packet);
  void transmit(std::size_t from, const Packet& packet, std::uint32_t interface);
  void send_extra_frames();
  void await_next_hop(std::span<const std::uint8_t> frame, const Verdict& verdict);
  void send_waited(const NextHopKey& key, const base::MacAddress& destination);
  Queue* way_out(std::uint32_t interface, std::size_t from);
  DropReason send_copy(std::span<const std::uint8_t> frame, std::uint32_t interface, std::size_t from);
  DropReason relay_out(std::span<const std::uint8_t> frame, std::uint32_t interface);
  void hand_over(const Packet& packet, unsigned worker);
  void publish_relayed();
  void flush_unsent();
  void drop(DropReason reason) { core->count_drop(reason); }

  std::unique_ptr<Core> core;
  Seat seat;
  RedirectMaps& maps;
  FastMaps& fast;
  Callbacks callbacks;
  GracePeriod grace;
  bool neighbours_known = false;
  bool holds = false;  // its packets wait
  std::unique_ptr<Capture> capture;
  Mailbox mailbox;
  std::vector<Queue> queues;
  std::map<std::uint32_t, std::uint32_t> transmit_queues;  // of each interface, whoever has them
  std::vector<pollfd> descriptors;                         // the mailbox, the relay's bell, then one per queue
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
  std::atomic<std::uint64_t> decided{0};
  std::atomic<std::uint64_t> handed_over{0};
  std::thread thread;
};

}  // namespace lvsd::ipvs::engine

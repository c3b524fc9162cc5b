// Several cores that share the clients of one director (director.hpp's networks), without threads: a packet is given to
// any of them and handed on until one decides. For tests.
#pragma once

#include <deque>

#include "ipvs/engine/division.hpp"
#include "ipvs/engine/shared_load.hpp"
#include "tests/support/director.hpp"

namespace lvsd::test {

class Crew {
 public:
  struct Outcome {
    ipvs::engine::Verdict verdict;
    Bytes bytes;
    unsigned worker = 0;  // who decided
    unsigned hops = 0;
  };

  explicit Crew(unsigned workers, const ipvs::engine::Grouping& grouping = {}, std::uint32_t connections = 1024)
      : workers_{workers}, grouping_{grouping}, connections_{connections} {
    for (unsigned i = 0; i < workers; ++i) memory_.emplace_back(connections);
    make();
  }

  unsigned size() const { return workers_; }
  ipvs::engine::Core& core(unsigned worker) { return *cores_[worker]; }
  base::TimePoint now{std::chrono::hours{100}};

  void apply(const std::vector<ipvs::Command>& commands) {
    for (auto& core : cores_) static_cast<void>(core->apply(commands, now));
    share_addresses();
  }
  void share_addresses() {
    ipvs::engine::KnownAddresses all;
    for (const auto& core : cores_) {
      const auto known = core->known_addresses();
      const auto append = [](auto& to, const auto& from) { to.insert(to.end(), from.begin(), from.end()); };
      append(all.virtual_addresses, known.virtual_addresses);
      append(all.local_addresses, known.local_addresses);
    }
    for (auto& core : cores_) core->know(all);
  }

  // The packet arrives at that worker.
  Outcome push(const Bytes& frame, std::uint32_t interface, unsigned at) {
    constexpr std::uint32_t kHeadroom = 64;
    Bytes room(kHeadroom + frame.size() + 128, 0xee);
    std::copy(frame.begin(), frame.end(), room.begin() + kHeadroom);
    ipvs::engine::Packet packet{room.data() + kHeadroom, static_cast<std::uint32_t>(frame.size()), kHeadroom, 128,
                                interface};
    Outcome outcome;
    for (outcome.worker = at;; outcome.worker = outcome.verdict.worker) {
      cores_[outcome.worker]->forward({&packet, 1}, {&outcome.verdict, 1}, now);
      if (outcome.verdict.action != ipvs::engine::Action::HandOver) break;
      outcome.hops = ++packet.hops;
    }
    outcome.bytes.assign(packet.data, packet.data + packet.length);
    return outcome;
  }
  Outcome push(const FrameSpec& spec, std::uint32_t interface, unsigned at) {
    return push(make_frame(spec), interface, at);
  }

  std::uint64_t connections() const {
    std::uint64_t all = 0;
    for (const auto& core : cores_) all += core->connection_entries();
    return all;
  }

  // The process dies; its successor groups the clients otherwise.
  void restart(const ipvs::engine::Grouping& grouping) {
    cores_.clear();
    loads_.emplace_back();
    grouping_ = grouping;
    make();
  }

 private:
  void make() {
    for (unsigned i = 0; i < workers_; ++i) {
      cores_.push_back(std::make_unique<ipvs::engine::Core>(memory_[i].span(), connections_, 7 + i));
      cores_.back()->join({workers_, i, &loads_.back()}, grouping_);
      lay_network(cores_.back()->next_hops());
    }
  }

  unsigned workers_;
  ipvs::engine::Grouping grouping_;
  std::uint32_t connections_;
  std::deque<ipvs::engine::LoadBook> loads_ = std::deque<ipvs::engine::LoadBook>(1);
  std::deque<TableBytes> memory_;
  std::vector<std::unique_ptr<ipvs::engine::Core>> cores_;
};

}  // namespace lvsd::test

// What lblc and lblcr ask about servers.
#pragma once

#include <algorithm>
#include <span>

#include <boost/unordered/unordered_flat_map.hpp>

#include "ipvs/engine/scheduler.hpp"

namespace lvsd::ipvs::engine {

// The place in the list of a server that is known by its id.
class ServerPlaces {
 public:
  void set(std::span<const Candidate> servers) {
    places_.clear();
    for (std::size_t i = 0; i < servers.size(); ++i) places_.emplace(servers[i].id, i);
  }
  Scheduler::Pick find(std::uint32_t id) const noexcept {
    const auto at = places_.find(id);
    return at == places_.end() ? Scheduler::Pick{} : at->second;
  }

 private:
  boost::unordered_flat_map<std::uint32_t, std::size_t> places_;
};

// More active connections than its weight, while another server has less than half of its own (kernel ip_vs_lblc.c,
// is_overloaded).
inline bool should_share(const Candidate& server, std::span<const Candidate> servers) {
  return server.active > server.weight && std::any_of(servers.begin(), servers.end(), [](const Candidate& other) {
           return other.eligible() && std::uint64_t{other.active} * 2 < other.weight;
         });
}

}  // namespace lvsd::ipvs::engine

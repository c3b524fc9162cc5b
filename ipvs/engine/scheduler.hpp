// Which real server takes a new connection: one question, one file per answer in schedulers/, all listed in
// scheduler.cpp. Servers are in the order of the configuration, and the first of equals wins. (Kernel IPVS keeps the
// newest server first: there, of servers added in the order a b c, c wins.)
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "base/address.hpp"
#include "ipvs/config.hpp"

namespace lvsd::ipvs::engine {

struct Candidate {
  std::uint32_t id = 0;  // stays with the server while its place in the list may change
  std::uint32_t weight = 1;
  bool down = false;  // fails its checks: as good as not in the list
  std::uint32_t active = 0;
  std::uint32_t inactive = 0;

  bool eligible() const { return weight > 0 && !down; }
  // What lc and wlc compare: active connections count 256 times, and once more among all connections.
  std::uint64_t overhead() const { return std::uint64_t{active} * 257 + inactive; }
};

class Scheduler {
 public:
  using Pick = std::optional<std::size_t>;  // index into `servers`; none: nobody is eligible

  virtual ~Scheduler() = default;
  // The list, a weight or a `down` has changed. Counts of connections change without notice.
  virtual void servers_changed(std::span<const Candidate> servers) { (void)servers; }
  virtual Pick pick(std::span<const Candidate> servers, const base::Endpoint& client) noexcept = 0;
};

std::unique_ptr<Scheduler> make_scheduler(SchedulerKind kind);

std::unique_ptr<Scheduler> make_lc();
std::unique_ptr<Scheduler> make_rr();
std::unique_ptr<Scheduler> make_sh();
std::unique_ptr<Scheduler> make_wlc();
std::unique_ptr<Scheduler> make_wrr();

}  // namespace lvsd::ipvs::engine

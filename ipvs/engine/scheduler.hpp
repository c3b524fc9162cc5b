// Which real server takes a new connection: one question, one file per answer in schedulers/, all listed in
// scheduler.cpp. Servers are in the order of the configuration, and the first of equals wins. (Kernel IPVS keeps the
// newest server first: there, of servers added in the order a b c, c wins.)
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "base/address.hpp"
#include "base/time.hpp"
#include "ipvs/config.hpp"

namespace lvsd::ipvs::engine {

struct Candidate {
  std::uint32_t id = 0;  // stays with the server while its place in the list may change
  std::uint32_t weight = 1;
  bool down = false;  // fails its checks, or the sorry server stands in its place: as good as not in the list
  std::uint32_t active = 0;
  std::uint32_t inactive = 0;
  bool overloaded = false;   // holds as many connections as it may; changes without notice, like the counts
  base::Endpoint address{};  // what mh knows it by

  bool listed() const { return weight > 0 && !down; }
  bool eligible() const { return listed() && !overloaded; }
  // What lc and wlc compare: active connections count 256 times, and once more among all connections.
  std::uint64_t overhead() const { return std::uint64_t{active} * 257 + inactive; }
};

// A new connection.
struct Request {
  base::Endpoint client;
  base::IpAddress virtual_address;
  base::TimePoint now;
};

struct SchedulerOptions {
  SchedulerFlags flags;
  std::uint64_t seed = 0;      // of twos
  std::uint64_t hash_key = 0;  // of mh; 0: the kernel's constants, which everybody knows
};

class Scheduler {
 public:
  using Pick = std::optional<std::size_t>;  // index into `servers`; none: nobody is eligible

  virtual ~Scheduler() = default;
  // The list, a weight or a `down` has changed. Counts of connections change without notice.
  virtual void servers_changed(std::span<const Candidate> servers) { (void)servers; }
  virtual Pick pick(std::span<const Candidate> servers, const Request& request) noexcept = 0;
  // To ask what it would do without it being done.
  virtual std::unique_ptr<Scheduler> clone() const = 0;
};

std::unique_ptr<Scheduler> make_scheduler(SchedulerKind kind, const SchedulerOptions& options = {});

std::unique_ptr<Scheduler> make_dh(const SchedulerOptions& options = {});
std::unique_ptr<Scheduler> make_fo(const SchedulerOptions& options = {});
std::unique_ptr<Scheduler> make_lblc(const SchedulerOptions& options = {});
std::unique_ptr<Scheduler> make_lblcr(const SchedulerOptions& options = {});
std::unique_ptr<Scheduler> make_lc(const SchedulerOptions& options = {});
std::unique_ptr<Scheduler> make_mh(const SchedulerOptions& options = {});
std::unique_ptr<Scheduler> make_nq(const SchedulerOptions& options = {});
std::unique_ptr<Scheduler> make_ovf(const SchedulerOptions& options = {});
std::unique_ptr<Scheduler> make_rr(const SchedulerOptions& options = {});
std::unique_ptr<Scheduler> make_sed(const SchedulerOptions& options = {});
std::unique_ptr<Scheduler> make_sh(const SchedulerOptions& options = {});
std::unique_ptr<Scheduler> make_twos(const SchedulerOptions& options = {});
std::unique_ptr<Scheduler> make_wlc(const SchedulerOptions& options = {});
std::unique_ptr<Scheduler> make_wrr(const SchedulerOptions& options = {});

}  // namespace lvsd::ipvs::engine

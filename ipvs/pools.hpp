// What the past says about services and their servers: who comes into use slowly, which service is short of its quorum,
// and what holds while all servers of one fail. Pure: observations and a time point in, a PoolView out, which desired()
// takes in. Owned by room.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "base/time.hpp"
#include "ipvs/config.hpp"
#include "ipvs/health.hpp"

namespace lvsd::ipvs {

struct PoolView {
  struct Service {
    bool short_of_quorum = false;
    bool withdrawn = false;      // its addresses shall leave this director (all_down = withdraw)
    std::set<std::string> kept;  // servers that stay in use although they fail, because all do
  };
  std::map<std::string, Service> services;                                   // absent: as health says at this moment
  std::map<std::pair<std::string, std::string>, std::uint32_t> slow_starts;  // percent of the weight, 1..99
};

// Sum of the weights of the servers that are up; slow starts count in full.
std::uint64_t usable_weight(const VirtualServerConfig& service, const HealthView& health,
                            const OverrideView& overrides);

class Pools {
 public:
  // Everything that is so at `now`; calls come in the order of time. The first call ever, and servers' first results
  // after it, start nothing slowly: nothing was in use before.
  void observe(const Config& config, const HealthView& health, const OverrideView& overrides, base::TimePoint now);

  const PoolView& view() const { return view_; }
  // When observe() would say something else without any news: the next step of a slow start.
  std::optional<base::TimePoint> next_step() const { return next_step_; }

 private:
  struct Server {
    ServerState state = ServerState::unknown;  // as used: operators' wishes included
    ServerState checked = ServerState::unknown;
    base::TimePoint down_since{};  // of `checked`
    base::TimePoint up_since{};    // of a slow start
    bool original = false;         // was there at the first observation
    bool starting = false;         // slowly
    bool was_up = false;           // by its checks, before it went down
    bool silent = false;
    bool watched = false;  // has a check
    bool lost = false;     // fell silent together with most others
    std::uint64_t seen = 0;
    base::IpAddress address;
  };
  using Servers = std::map<std::pair<std::string, std::string>, Server>;

  void observe_server(const VirtualServerConfig& service, const RealServerConfig& config, const Standing& standing,
                      base::TimePoint now);
  void step_slow_start(const std::string& service, const RealServerConfig& config, Server& server, base::TimePoint now);
  void find_lost(base::Duration window, base::TimePoint now);
  PoolView::Service judge(const VirtualServerConfig& service, const HealthView& health, const OverrideView& overrides,
                          base::Duration window) const;
  std::set<std::string> kept_servers(const VirtualServerConfig& service, const OverrideView& overrides,
                                     base::Duration window) const;

  Servers servers_;
  PoolView view_;
  std::optional<base::TimePoint> next_step_;
  std::uint64_t observations_ = 0;
};

}  // namespace lvsd::ipvs

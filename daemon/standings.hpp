// How servers and services stood when it was last told, so that each change is told once, whichever room was restarted
// in between; and how often they changed. Pure; held by Supervisor.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "ipvs/messages.hpp"

namespace lvsd::daemon {

struct ServerChange {
  ipvs::StatesChanged::Server now;
  ipvs::ServerState before{};
  bool was_kept = false;
  bool first = false;  // nothing was known of it
};
struct ServiceChange {
  ipvs::StatesChanged::Service now;
  ipvs::ServiceState before{};
  bool had_quorum = false;
  bool first = false;
};

class Standings {
 public:
  struct Changes {
    std::vector<ServerChange> servers;
    std::vector<ServiceChange> services;
  };
  Changes observe(const ipvs::StatesChanged& news);

  using Transitions = std::map<std::pair<std::string, ipvs::ServerState>, std::uint64_t>;  // "web/rs1", to → how often
  const Transitions& transitions() const { return transitions_; }
  const std::map<std::string, ipvs::StatesChanged::Service>& services() const { return services_; }

 private:
  std::map<std::string, ipvs::StatesChanged::Server> servers_;  // "web/rs1"
  std::map<std::string, ipvs::StatesChanged::Service> services_;
  Transitions transitions_;
};

const char* name(ipvs::ServerState state);
const char* name(ipvs::ServiceState state);

}  // namespace lvsd::daemon

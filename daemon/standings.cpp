#include "daemon/standings.hpp"

#include <set>

namespace lvsd::daemon {
namespace {

template <class Map, class Named>
void forget_others(Map& known, const Named& named) {
  std::erase_if(known, [&](const auto& entry) { return !named.contains(entry.first); });
}

}  // namespace

Standings::Changes Standings::observe(const ipvs::StatesChanged& news) {
  Changes changes;
  std::set<std::string> servers, services;
  for (const auto& server : news.servers) {
    const auto name = server.service + "/" + server.server;
    servers.insert(name);
    const auto [at, is_new] = servers_.try_emplace(name, server);
    if (!is_new && at->second == server) continue;
    if (!is_new && at->second.state != server.state) ++transitions_[{name, server.state}];
    changes.servers.push_back({server, at->second.state, at->second.kept, is_new});
    at->second = server;
  }
  for (const auto& service : news.services) {
    services.insert(service.name);
    const auto [at, is_new] = services_.try_emplace(service.name, service);
    if (!is_new && at->second == service) continue;
    changes.services.push_back({service, at->second.state, at->second.has_quorum, is_new});
    at->second = service;
  }
  if (news.complete) {
    forget_others(servers_, servers);
    forget_others(services_, services);
  }
  return changes;
}

const char* name(ipvs::ServerState state) {
  switch (state) {
    case ipvs::ServerState::up:
      return "up";
    case ipvs::ServerState::down:
      return "down";
    case ipvs::ServerState::unknown:
      return "unknown";
    case ipvs::ServerState::drain:
      return "drain";
    case ipvs::ServerState::sorry:
      return "sorry";
    case ipvs::ServerState::disabled:
      return "disabled";
  }
  return "";
}

const char* name(ipvs::ServiceState state) {
  switch (state) {
    case ipvs::ServiceState::ok:
      return "ok";
    case ipvs::ServiceState::degraded:
      return "degraded";
    case ipvs::ServiceState::sorry:
      return "sorry";
    case ipvs::ServiceState::down:
      return "down";
  }
  return "";
}

}  // namespace lvsd::daemon

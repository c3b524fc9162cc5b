// Passive checks: what connections tell of servers.
#include <algorithm>

#include "ipvs/desired.hpp"

namespace lvsd::ipvs {

AnswerView answers_in(const std::vector<ServiceStatus>& measured) {
  AnswerView view;
  for (const auto& service : measured) {
    for (const auto& server : service.servers) {
      auto& entry = view[{service.name, server.name}];  // a server that drains under its name, too
      entry.connections += server.statistics.connections;
      entry.unanswered += server.unanswered_connections;
    }
  }
  return view;
}

bool wants_answers(const Config& config) {
  return std::any_of(config.virtual_servers.begin(), config.virtual_servers.end(), [](const auto& service) {
    return std::any_of(service.servers.begin(), service.servers.end(),
                       [](const auto& server) { return server.policy.max_unanswered > 0; });
  });
}

// Counters that fell belong to a server that was made anew.
Unanswered too_many_unanswered(const Config& config, const AnswerView& before, const AnswerView& now) {
  Unanswered out;
  for (const auto& service : config.virtual_servers) {
    for (const auto& server : service.servers) {
      const auto old_one = before.find({service.name, server.name});
      const auto new_one = now.find({service.name, server.name});
      if (server.policy.max_unanswered == 0 || old_one == before.end() || new_one == now.end()) continue;
      const auto& [a, b] = std::pair{old_one->second, new_one->second};
      if (b.unanswered <= a.unanswered || b.connections < a.connections) continue;
      const auto unanswered = b.unanswered - a.unanswered;
      if (unanswered < server.policy.max_unanswered || 2 * unanswered < b.connections - a.connections) continue;
      out.servers.push_back({service.name, server.name, unanswered});
    }
  }
  return out;
}

}  // namespace lvsd::ipvs

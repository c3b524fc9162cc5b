// Servers and clients for the tests of the schedulers.
#pragma once

#include <string>
#include <vector>

#include "ipvs/engine/scheduler.hpp"
#include "tests/support/frames.hpp"

namespace lvsd::test {

using Servers = std::vector<ipvs::engine::Candidate>;

// Servers 10.0.0.11:80, 10.0.0.12:80 … without connections.
inline Servers weighing(const std::vector<std::uint32_t>& weights) {
  Servers servers;
  for (std::uint32_t i = 0; i < weights.size(); ++i) {
    servers.push_back({i, weights[i], false, 0, 0, false, {base::IpAddress::v4(0x0a00000bu + i), 80}});
  }
  return servers;
}

inline ipvs::engine::Request from(std::uint32_t client, std::uint16_t port = 1) {
  return {{base::IpAddress::v4(client), port}, ip("198.51.100.1"), base::TimePoint{std::chrono::hours{100}}};
}
inline ipvs::engine::Request to(std::uint32_t virtual_address, base::TimePoint now = {}) {
  return {endpoint("192.0.2.1:1"), base::IpAddress::v4(virtual_address), now};
}

// A pick as a letter: a is the first server, - is nobody.
inline char letter(ipvs::engine::Scheduler::Pick pick) { return pick ? static_cast<char>('a' + *pick) : '-'; }

inline std::string picks(ipvs::engine::Scheduler& scheduler, const Servers& servers, int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += letter(scheduler.pick(servers, from(0xc0000201)));
  return text;
}
inline std::string first_picks(ipvs::SchedulerKind kind, const Servers& servers, int count) {
  const auto scheduler = ipvs::engine::make_scheduler(kind);
  scheduler->servers_changed(servers);
  return picks(*scheduler, servers, count);
}

}  // namespace lvsd::test

// Role changes as they are told outside: the words for notify programs and for the FIFO, in keepalived's form, so that
// what people wrote for keepalived works. Pure; the supervisor runs the programs (scripts/) and writes the FIFO
// (event_fifo.hpp). Changes of servers and services can be told in the same way: a Notice is any kind, name and state.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "vrrp/config.hpp"
#include "vrrp/messages.hpp"

namespace lvsd::daemon {

struct Notice {
  std::string kind;   // "INSTANCE", "GROUP"
  std::string name;   // as configured
  std::string state;  // "MASTER", "BACKUP", "FAULT", "STOP"
  std::uint32_t priority = 0;

  friend bool operator==(const Notice&, const Notice&) = default;
};

std::string fifo_line(const Notice& notice);               // INSTANCE "front" MASTER 150
std::vector<std::string> arguments(const Notice& notice);  // INSTANCE front MASTER 150

// What was told last of every instance and group: nothing is told twice, a room that resumes after a crash included.
class RoleNotices {
 public:
  // The instance's notice, then that of its group when all members agree again (one in fault is a fault of all).
  std::vector<Notice> observe(const vrrp::RoleChanged& change, const vrrp::Config& config);

 private:
  struct Told {
    vrrp::Role role{};
    std::uint32_t priority = 0;
  };
  void observe_group(const std::string& group, const vrrp::Config& config, std::vector<Notice>& out);

  std::map<std::string, Told> instances_;
  std::map<std::string, std::string> groups_;  // the state told
};

}  // namespace lvsd::daemon

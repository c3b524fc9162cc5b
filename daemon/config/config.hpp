// The whole configuration of one director as an immutable value: the rooms' wanted state plus the daemon's own. Made
// only by parse() (load.hpp); nothing unvalidated gets past it.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.hpp"
#include "base/log.hpp"
#include "base/script.hpp"
#include "healthcheck/config.hpp"
#include "ipvs/config.hpp"
#include "vrrp/config.hpp"

namespace lvsd::daemon {

// A track that the healthcheck room observes is a target of this id and the track's name.
inline constexpr std::string_view kTrackTarget = "track ";

struct NodeConfig {
  std::string name;
  std::optional<base::IpAddress> address;
  friend bool operator==(const NodeConfig&, const NodeConfig&) = default;
};

// Who is told of role changes.
struct NotifyConfig {
  std::string fifo;                                     // path; empty: none
  std::map<std::string, base::ScriptCommand> programs;  // by "INSTANCE front", "GROUP both"; "" for all
  friend bool operator==(const NotifyConfig&, const NotifyConfig&) = default;
};

struct Config {
  std::string node;  // which director this is; "" when the file names none
  std::vector<NodeConfig> nodes;
  base::log::Level log_level = base::log::Level::Info;
  std::optional<base::Endpoint> status_listen;  // read-only HTTP on TCP
  NotifyConfig notify;
  vrrp::Config vrrp;
  healthcheck::Config healthcheck;
  ipvs::Config ipvs;
  std::map<std::string, std::string> instance_of;      // virtual server → the VRRP instance that it names as its own
  std::map<std::string, base::ScriptCommand> scripts;  // by the name a room asks for: "check ok@10.0.0.11:80"
  std::set<std::uint32_t> check_marks;                 // firewall marks that the health checks may ask for

  friend bool operator==(const Config&, const Config&) = default;
};

}  // namespace lvsd::daemon

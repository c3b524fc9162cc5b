// Does this host have what a configuration needs of it: configuration and facts in, findings out. Pure. Used by
// `lvsctl doctor`.
#pragma once

#include <string>
#include <vector>

#include <boost/describe/class.hpp>

#include "daemon/config/config.hpp"
#include "daemon/host/facts.hpp"

namespace lvsd::daemon {

struct HostFinding {
  std::string level;    // "ok", "warn": works, not as it should; "fail": does not work; "skip": could not be looked at
  std::string subject;  // "kernel", "eth0", "ip_forward", "firewall", "keepalived"
  std::string text;     // what is so, and why it matters
  std::string fix;      // a command; "" where there is none
};
BOOST_DESCRIBE_STRUCT(HostFinding, (), (level, subject, text, fix))

// In the order of a person's questions: kernel, interfaces, settings, firewall, other programs.
std::vector<HostFinding> findings(const Config& config, const HostFacts& facts);

// The kernel's settings that the configuration needs, with the value they should have: all that this kernel has, and
// those that are otherwise.
std::vector<HostSetting> host_settings(const Config& config, const HostFacts& facts);
std::vector<HostSetting> wrong_settings(const Config& config, const HostFacts& facts);

}  // namespace lvsd::daemon

// The configuration as the control process holds it: read from the file, checked, packed for the rooms, numbered; which
// one is in force, and how the last reload went. Used by Supervisor.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/fd.hpp"
#include "base/result.hpp"
#include "daemon/api.hpp"
#include "daemon/config/load.hpp"
#include "daemon/steering.hpp"

namespace lvsd::daemon {

struct Configuration {
  std::uint64_t generation = 0;
  Sources sources;
  Config config;
  std::string fingerprint;
  base::UniqueFd packed;                  // sealed memory file for the vrrp room and for our successor
  base::UniqueFd packed_without_secrets;  // for the other rooms
};
Revision revision_of(const Configuration& configuration);  // what steering needs of it
// The same texts, the secrets included, which have no part in the fingerprint.
bool is_same(const Configuration& a, const Configuration& b);
using ConfigurationPtr = std::shared_ptr<const Configuration>;

struct LoadAttempt {
  ConfigurationPtr loaded;  // empty: not acceptable
  std::string diagnostics;  // rendered; warnings also when loaded
};

class Configurations {
 public:
  Configurations(std::string path, std::string node) : path_{std::move(path)}, node_{std::move(node)} {}

  // From the file. A script that cannot be run as things are is an error, at the start a warning: the rest must work.
  LoadAttempt load(bool at_start = false);
  ConfigurationPtr recall(int sealed_fd);  // what an earlier process had in force; empty when unusable

  ConfigurationPtr find(std::uint64_t generation) const;  // in force or candidate
  // What a room asked for by name; null: neither the candidate nor what is in force has it.
  const base::ScriptCommand* script(const std::string& name) const;
  // Whether a check of either has this firewall mark.
  bool has_check_mark(std::uint32_t mark) const;
  ConfigurationPtr in_force() const { return in_force_; }
  void put_in_force(ConfigurationPtr configuration);
  void set_candidate(ConfigurationPtr configuration) { candidate_ = std::move(configuration); }

  void reload_succeeded();
  void reload_failed(std::string error);
  const ConfigStatus& status() const { return status_; }
  const std::string& path() const { return path_; }

 private:
  LoadAttempt accept(const Sources& sources, Outcome outcome);

  std::string path_;
  std::string node_;
  std::uint64_t last_generation_ = 0;
  ConfigurationPtr in_force_;
  ConfigurationPtr candidate_;
  ConfigStatus status_;
};

// "~ virtual_server web: scheduler wlc → rr (new connections only)"
std::vector<std::string> describe_changes(const Configuration& from, const Configuration& to);

std::int64_t unix_ms_now();

}  // namespace lvsd::daemon

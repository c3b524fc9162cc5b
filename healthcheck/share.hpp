// What a server (or a script that knows it) says about its own share of new connections, beside being up or down. Pure.
// Made by the judges of scripts, agents and files, gathered by target_state, carried to the table by the supervisor.
#pragma once

#include <optional>

#include <boost/describe/class.hpp>

namespace lvsd::healthcheck {

struct Share {
  int weight = -1;           // instead of the configured one; -1: as configured
  int weight_percent = -1;   // of the configured one, 0..256; -1: all of it
  bool drain = false;        // no new connections but those of persistence
  bool maintenance = false;  // none at all
  friend bool operator==(const Share&, const Share&) = default;
};
BOOST_DESCRIBE_STRUCT(Share, (), (weight, weight_percent, drain, maintenance))

// What one answer changes of it; what it does not name stays as it was said before.
struct ShareChange {
  std::optional<int> weight = {};
  std::optional<int> weight_percent = {};
  std::optional<bool> drain = {};
  std::optional<bool> maintenance = {};
  friend bool operator==(const ShareChange&, const ShareChange&) = default;
};

inline Share changed(Share share, const ShareChange& change) {
  share.weight = change.weight.value_or(share.weight);
  share.weight_percent = change.weight_percent.value_or(share.weight_percent);
  share.drain = change.drain.value_or(share.drain);
  share.maintenance = change.maintenance.value_or(share.maintenance);
  return share;
}

}  // namespace lvsd::healthcheck

// The validators: what the sections mean for one node, and whether they fit together. One function per subject, in the
// order they must run; each adds its part to Build::config and leaves what the later ones need. Used by parse() alone.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "daemon/config/config.hpp"
#include "daemon/config/document.hpp"
#include "daemon/config/values.hpp"

namespace lvsd::daemon {

// One check as written: the question, and the port when it is not the server's.
struct CheckPlan {
  const Section* section = nullptr;
  healthcheck::CheckConfig check;
  std::uint16_t port = 0;                       // 0: the server's
  std::optional<base::IpAddress> address = {};  // none: the server's
  std::size_t question = 0;                     // equal for checks that differ in name alone
  bool used = false;
};

struct TrackPlan {
  const Section* section = nullptr;
  vrrp::TrackConfig track;
  std::optional<healthcheck::Target> target;  // who observes it, when that is the healthcheck room
  bool used = false;
};

struct Build {
  const Document& document;
  std::string_view node;
  Report& report;
  Config config;
  std::map<base::IpAddress, Place> virtual_addresses;
  std::map<std::string_view, CheckPlan> checks;
  std::map<std::string_view, TrackPlan> tracks;
  std::span<const SourceFile> secrets{};

  SectionReader reader(const Section& section) { return {document, section, node, report}; }
};

void build_nodes(Build& build);   // [node], [global], [status]
void build_tracks(Build& build);  // [track]
// What a [track] of another type than interface watches; adds to the plan.
void read_track_target(Build& build, const SectionReader& reader, TrackPlan& plan);
void build_vrrp(Build& build);         // [vrrp]; after tracks
void build_sync_groups(Build& build);  // [sync_group]; after vrrp
void build_notify(Build& build);       // notify programs and the FIFO of [global], [vrrp] and [sync_group]
void build_checks(Build& build);       // [check]
void build_engine(Build& build);       // [engine]; after vrrp
void build_services(Build& build);     // [virtual_server], [pool], [real_server]; after engine
void add_withdrawals(Build& build);    // tracks for all_down = withdraw; after services
void build_scripts(Build& build);      // what the rooms may have run; after services
void build_kernel(Build& build);       // [kernel]; after services
void build_sync(Build& build);         // [sync]; after nodes

// The names in `values`, each of which must be a [check]; marks them used.
std::vector<const CheckPlan*> find_checks(Build& build, const std::vector<Value>& names);

// The names in `values`, each of which must be a [track], added to `tracks` where they are not in it yet.
void add_tracks(Build& build, const std::vector<Value>& values, std::vector<vrrp::TrackConfig>& tracks);

// A weight that can never change who is master. One view per node.
void check_weights(const Document& document, const std::vector<Config>& views, Report& report);

// What is wrong between the nodes of one file rather than on one of them.
void check_pair(const Document& document, Report& report);

}  // namespace lvsd::daemon

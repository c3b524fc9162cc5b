// Bodies of the daemon's API → values. A lvsd of a neighbouring version is understood: members that this lvsctl does
// not know are left out, those that it misses have their defaults. A mistyped member or another schema is an error that
// points to the versions. Used by run.cpp and the tests.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "daemon/api.hpp"
#include "daemon/config/load.hpp"
#include "daemon/host/findings.hpp"
#include "healthcheck/messages.hpp"
#include "ipvs/messages.hpp"
#include "vrrp/messages.hpp"

namespace lvsd::ctl {

// For Overview, ReloadResult, OverrideList, OverrideResult, EventList, vrrp::Status, healthcheck::Status,
// healthcheck::CheckedNow, ipvs::Table, ipvs::Connections, ipvs::Listing, ipvs::Drops, ipvs::SyncStatus, ipvs::Trace,
// ipvs::Captured.
template <class T>
base::Result<T> decode(std::string_view body);

struct RunningConfig {
  daemon::Sources sources;
  std::string fingerprint;
};
base::Result<RunningConfig> decode_config(std::string_view body);

struct ApiError {
  std::string code;     // a stable word; "" when the body was none of ours
  std::string message;  // never empty
  std::string hint;
};
ApiError decode_error(std::string_view body, int status);

// The reply with only those elements of `array` whose member `key` is one of `names`.
std::string json_only(std::string_view body, std::string_view array, std::string_view key,
                      const std::set<std::string>& names);

// The table's reply as one list "servers", each with its service's name; only those in `names` ("web/rs1").
std::string json_servers(std::string_view body, const std::set<std::string>& names);

std::string json_of(const daemon::FailoverRequest& request);
std::string json_of(const daemon::MaintenanceRequest& request);
std::string json_of(const daemon::OverrideRequest& request);  // the body of a request
std::string json_of(const daemon::CheckRequest& request);     // the same
std::string json_of(const ipvs::CaptureQuery& query);         // the same
std::string json_of(const ipvs::CapturedFrame& frame);        // one line
std::string json_of(const daemon::Event& event);              // one line

// lvsctl's own values, in the same form as the daemon's.
std::string json_of(const std::vector<daemon::Diagnostic>& diagnostics, const std::string& path);
std::string json_of(const std::vector<daemon::Change>& changes);
std::string json_of(const std::vector<daemon::HostFinding>& findings);
std::string json_of(const ApiError& error);
std::string json_versions(std::string_view own, const daemon::Overview* running);

}  // namespace lvsd::ctl

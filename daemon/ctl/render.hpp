// Values → text for people (and CSV): one function per listing, pure. run.cpp fetches, these say.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "daemon/api.hpp"
#include "daemon/config/load.hpp"
#include "daemon/ctl/layout.hpp"
#include "daemon/ctl/select.hpp"
#include "daemon/ctl/view.hpp"
#include "daemon/host/findings.hpp"
#include "healthcheck/messages.hpp"
#include "ipvs/messages.hpp"
#include "vrrp/messages.hpp"

namespace lvsd::ctl {

std::string render_status(const daemon::Overview& overview, const View& view);
int health_of(const daemon::Overview& overview);  // status --exit-code: 0 well, 1 degraded, 2 down or in fault

using Services = std::vector<const ipvs::ServiceStatus*>;
using Targets = std::vector<const healthcheck::TargetStatus*>;

std::string render_services(const Services& services, const healthcheck::Status& checks, const View& view);
std::string render_totals(const Services& services, const View& view);  // vs --stats
std::string render_rates(const Services& services, const View& view);   // vs --rate
std::string render_servers(const std::vector<ServerRef>& servers, const healthcheck::Status& checks, const View& view);

std::string render_checks(const Targets& targets, const ipvs::Table& table, const View& view);
// With the reasons: for one server, service or check.
std::string render_checks_in_full(const Targets& targets, const ipvs::Table& table, const View& view);

std::string render_instances(const vrrp::Status& status, const View& view);
std::string render_instance(const vrrp::InstanceStatus& instance, const View& view);

std::string render_connections(const ipvs::Connections& connections, const View& view);
std::string render_connection_counts(const ipvs::Connections& connections, std::string_view key, const View& view);
std::string render_trace(const ipvs::Trace& trace, const View& view);
std::string render_sync(const ipvs::SyncStatus& sync, const View& view);
std::string render_drops(const ipvs::Drops& drops, const View& view);

std::string render_events(const daemon::EventList& list, const View& view);

std::string render_overrides(const daemon::OverrideList& list, const View& view);

// What changed and how to undo it; `remaining`: connections by server.
std::string render_override_changes(const daemon::OverrideResult& result,
                                    const std::map<std::string, std::uint64_t>& remaining, const View& view);

std::string render_failover(const vrrp::FailoverDone& done, const View& view);
std::string render_maintenance(const daemon::MaintenanceStatus& maintenance, const View& view);
std::string render_maintenance_change(const daemon::MaintenanceResult& result, const View& view);

std::string render_reload(const daemon::ReloadResult& result, const View& view);
std::string render_changes(const std::vector<daemon::Change>& changes, const View& view);
std::string render_findings(const std::vector<daemon::HostFinding>& findings, const View& view);  // doctor

std::string render_sources(const daemon::Sources& sources, const View& view);

// A state word with its mark: "● up", "✖ down"; only the word in CSV.
Cell mark_up(std::string word, const View& view);
Cell mark_down(std::string word, const View& view);
Cell mark_partly(std::string word, const View& view);
Cell mark_idle(std::string word, const View& view);

}  // namespace lvsd::ctl

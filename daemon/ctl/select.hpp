// Names, patterns and addresses on the command line → objects of the table. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "healthcheck/messages.hpp"
#include "ipvs/messages.hpp"
#include "vrrp/messages.hpp"

namespace lvsd::ctl {

struct ServerRef {  // points into the table it was selected from
  const ipvs::ServiceStatus* service;
  const ipvs::ServerStatus* server;
  std::string name() const { return service->name + '/' + server->name; }
};

// Each returns all objects when `names` is empty, in the order of the table, none twice. A name that matches nothing is
// an error with the nearest known name: lvsctl ends with 5.
base::Result<std::vector<const ipvs::ServiceStatus*>> select_services(const ipvs::Table& table,
                                                                      const std::vector<std::string>& names);
base::Result<std::vector<ServerRef>> select_servers(const ipvs::Table& table, const std::vector<std::string>& names);
base::Result<const vrrp::InstanceStatus*> select_instance(const vrrp::Status& status, const std::string& name);

// Targets by the server or service that uses them, by the check's name or by the target's id.
base::Result<std::vector<const healthcheck::TargetStatus*>> select_targets(const healthcheck::Status& status,
                                                                           const ipvs::Table& table,
                                                                           const std::string& name);

// What the names above are made of: a shell pattern for a name; an address, with its port or without; the error that
// names the nearest of `known`.
bool matches(const std::string& pattern, const std::string& name);
bool is_address(const std::string& pattern, const base::Endpoint& endpoint);
tl::unexpected<base::Error> no_such(std::string_view what, const std::string& name,
                                    const std::vector<std::string>& known);

// The one of this id, or null.
const healthcheck::TargetStatus* find_target(const healthcheck::Status& status, std::string_view id);

}  // namespace lvsd::ctl

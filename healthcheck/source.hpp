// Where a check's packets come from, as its configuration says: address and interface. Used by the checkers that
// connect.
#pragma once

#include <optional>

#include "healthcheck/config.hpp"
#include "healthcheck/result.hpp"

namespace lvsd::healthcheck {

// For a socket that is neither bound nor connected. A fault is trouble of our own. Needs no privilege (SO_BINDTODEVICE:
// Linux 5.7).
std::optional<Fault> set_source(int socket, const CheckConfig& check);

// The same for a firewall mark that the supervisor could not give (see marker.hpp).
Fault mark_fault(const std::string& trouble);

}  // namespace lvsd::healthcheck

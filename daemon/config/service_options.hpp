// What a virtual server does besides balancing: persistence, one packet at a time, firewall mark, limits. Used by the
// validator of services.
#pragma once

#include <vector>

#include "daemon/config/listeners.hpp"

namespace lvsd::daemon {

// Reports what does not fit the listeners or the backend.
ipvs::ServiceOptions read_service_options(const Build& build, const SectionReader& reader,
                                          const std::vector<ListenerPlan>& listeners);

// The [engine] keys that say when a connection begins, is given up, or makes room.
ipvs::ConnectionPolicy read_policy(const SectionReader& reader);

}  // namespace lvsd::daemon

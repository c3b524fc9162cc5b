// The engine's table as ipvsadm would list it. Pure. Used by the engine's backend; the kernel's lists itself.
#pragma once

#include "ipvs/config.hpp"
#include "ipvs/messages.hpp"

namespace lvsd::ipvs {

// Every listener is a service of its own, with all servers of its virtual server and the numbers of the whole.
Listing listing_of(const Table& table, const Timeouts& timeouts);

}  // namespace lvsd::ipvs

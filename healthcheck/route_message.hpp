// One question to the kernel's routing, rtnetlink(7): which entry of its tables would route an address? Bytes and
// values; pure. Used by local_look.
#pragma once

#include <string>
#include <string_view>

#include "base/address.hpp"
#include "base/result.hpp"

namespace lvsd::healthcheck {

// RTM_GETROUTE with RTM_F_FIB_MATCH for the first address of the prefix, for a default route for an address that nobody
// routes by itself (RFC 5737, RFC 3849).
std::string route_question(const base::Prefix& prefix);

// The entry that matched; an error when there is none, or one that leads nowhere.
base::Result<base::Prefix> parse_route_answer(std::string_view answer);

// The entry is the prefix or a part of it; for a default route it is one itself.
bool is_route_for(const base::Prefix& entry, const base::Prefix& prefix);

}  // namespace lvsd::healthcheck

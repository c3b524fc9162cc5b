// The settings of kernel IPVS (net.ipv4.vs) that are no keys of [engine], and why: what is said to somebody who brings
// them along. Those that are keys have the kernel's name.
#pragma once

#include <string_view>

namespace lvsd::daemon {

// Empty: it is none of them.
std::string_view why_no_engine_key(std::string_view sysctl);

}  // namespace lvsd::daemon

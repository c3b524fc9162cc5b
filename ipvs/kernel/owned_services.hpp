// Which services of the kernel's table lvsd has made, as text that outlives the room. Pure. Used by kernel_backend.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "ipvs/kernel/kernel_table.hpp"

namespace lvsd::ipvs::kernel {

// One line each. read() takes what it understands and leaves out the rest.
std::string write_services(const std::set<ServiceKey>& services);
std::set<ServiceKey> read_services(std::string_view text);

}  // namespace lvsd::ipvs::kernel

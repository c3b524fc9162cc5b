// What to do to get from one table to another. Pure.
#pragma once

#include <vector>

#include "ipvs/table.hpp"

namespace lvsd::ipvs {

// diff(b, b) is empty; apply_all(diff(a, b), a) == b (server order included); every prefix leaves a legal table, and no
// service that has usable servers in both a and b is without one in between.
std::vector<Command> diff(const ServiceTable& actual, const ServiceTable& desired);

// The commands' meaning on a value; what a backend must do. Used by tests and by `lvsctl config diff`.
ServiceTable apply_all(const std::vector<Command>& commands, ServiceTable table);

}  // namespace lvsd::ipvs

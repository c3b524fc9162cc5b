// What to do to get from one table to another. Pure.
#pragma once

#include <vector>

#include "ipvs/table.hpp"

namespace lvsd::ipvs {

// diff(b, b) is empty; apply_all(diff(a, b), a) == b (server order included); every prefix leaves a legal table (a listener
// belongs to one service, a name stands once), and no service that has usable servers in both a and b is without one in
// between. `desired` must be legal.
std::vector<Command> diff(const ServiceTable& actual, const ServiceTable& desired);

// The commands' meaning on a value; what a backend must do. Used by tests and by `lvsctl config diff`.
// AddService, SetService: as given; a listener that another service has is taken from it. AddServer: at the end of the
// list; one that is there already, by name, moves to the end and becomes as given. SetServer: in its place. Commands about a
// service or server that is not there change nothing, but for SetServer, which adds.
ServiceTable apply_all(const std::vector<Command>& commands, ServiceTable table);

}  // namespace lvsd::ipvs

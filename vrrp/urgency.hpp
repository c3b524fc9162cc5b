// Real-time priority and locked memory, so that a busy machine does not delay an advertisement. Called once by run().
#pragma once

#include <string>
#include <vector>

namespace lvsd::vrrp {

// Of the capabilities that urgency needs, those this process holds now.
std::vector<std::string> urgency_capabilities();

// Does what is permitted; returns what was not, in words for the log.
std::vector<std::string> become_urgent();

}  // namespace lvsd::vrrp

// lvsd --pcap FILE: the frames of a capture file through the engine's core, with the table of the configuration, on the
// capture's own clock. Says for each what would have become of it. Touches no interface and no running lvsd; needs no
// privileges.
#pragma once

#include <cstdio>
#include <string>

#include "base/result.hpp"
#include "ipvs/config.hpp"

namespace lvsd::daemon {

struct ReplayTask {
  std::string input;   // pcap or pcap-ng, Ethernet; "-" is standard input
  std::string output;  // pcap-ng: each frame with its verdict as a comment, and what leaves; "": none
};

// One line for each frame to `out`, and a summary. All real servers count as up, and every address as a neighbour on
// one Ethernet, whose MACs are made from it (02:00 and the last four bytes): what a capture cannot tell.
base::Result<void> replay(ipvs::Config config, const ReplayTask& task, std::FILE* out);

}  // namespace lvsd::daemon

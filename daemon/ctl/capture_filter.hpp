// tcpdump's filter expressions (pcap-filter(7)) → classic BPF. Compiled where they are typed, with the user's rights,
// so that no daemon parses them or looks up names. The only user of libpcap in lvsctl.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "ipvs/capture_messages.hpp"

namespace lvsd::ctl {

// Over Ethernet. Empty text: an empty filter, which takes every frame.
base::Result<std::vector<ipvs::CaptureQuery::Instruction>> compile_filter(const std::string& expression);

}  // namespace lvsd::ctl

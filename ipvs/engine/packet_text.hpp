// A frame and a verdict in words, for `lvsctl capture` and `lvsd --pcap`. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "ipvs/engine/packet.hpp"

namespace lvsd::ipvs::engine {

// "tcp 192.0.2.1:40000 > 10.0.0.100:80 SYN", "udp … > …, 40 bytes", "icmp 10.0.0.1 > 192.0.2.1 about tcp … > …". What
// the engine does not know is named by its type.
std::string describe_frame(std::span<const std::uint8_t> frame);

// "sent through eth1 to 10.0.0.11", "dropped: no_server", "answered: ttl_exceeded". `interface_name` gives an index its
// name.
std::string describe_verdict(const Verdict& verdict, const std::function<std::string(std::uint32_t)>& interface_name);

}  // namespace lvsd::ipvs::engine

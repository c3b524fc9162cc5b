// From one TCP state to the next, as the segments that a director sees lead it: the tables of IPVS (kernel
// ip_vs_proto_tcp.c), the usual ones and those for times of attack. Pure; used by the forwarder.
#pragma once

#include <cstdint>

#include "ipvs/engine/connection_state.hpp"

namespace lvsd::ipvs::engine {

// `secure`: the tables for times of attack (kernel secure_tcp).
State next_state(State state, std::uint8_t tcp_flags, Seen seen, bool secure = false) noexcept;

}  // namespace lvsd::ipvs::engine

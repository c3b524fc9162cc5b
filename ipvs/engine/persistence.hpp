// Who a client is for persistence: what its template is found by. Pure; used where connections begin.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "ipvs/engine/keyed_hash.hpp"
#include "ipvs/engine/network_order.hpp"

namespace lvsd::ipvs::engine {

// The leading `prefix` bits of the address; 0: all of them.
WireAddress masked(const WireAddress& address, unsigned prefix) noexcept;

// The value of the Call-ID header of a SIP message (RFC 3261 §20.8, compact form "i"), which may be cut short; empty:
// it is no SIP message, or has none, or one of more than 255 bytes (as kernel ip_vs_pe_sip).
std::string_view sip_call_id(std::span<const std::uint8_t> payload) noexcept;

// A template's place in the connection table. `service`: the number of the service's own record. Templates of one
// service cover all its listeners, so there is no virtual address or port in it.
Tuple client_template(std::uint8_t protocol, const WireAddress& client, unsigned prefix,
                      std::uint32_t service) noexcept;
// 64 bits of a keyed hash stand for the Call-ID: two that share them share a server, no more.
Tuple call_template(std::uint8_t protocol, std::uint64_t call, std::uint32_t service) noexcept;

// Writes such a tuple into the template that is found by it.
void place(const Tuple& tuple, Connection& persistence, Ends& ends) noexcept;

}  // namespace lvsd::ipvs::engine

// The attributes of the IPVS generic netlink family as values, both ways. Pure: bytes behind the generic netlink
// header, no socket. Used by ipvs_socket. After net/netfilter/ipvs/ip_vs_ctl.c (ip_vs_genl_*) and
// include/uapi/linux/ip_vs.h.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "ipvs/kernel/kernel_table.hpp"

namespace lvsd::ipvs::kernel {

using Bytes = std::vector<std::uint8_t>;

Bytes encode(const ServiceKey& service);  // a service to get, delete or dump the destinations of
Bytes encode(const ServiceKey& service, const ServiceSettings& settings);
Bytes encode(const ServiceKey& service, const base::Endpoint& destination);  // one to delete
Bytes encode(const ServiceKey& service, const base::Endpoint& destination, const DestinationSettings& settings);
Bytes encode(const ProtocolTimeouts& timeouts);  // 0: stays as it is
Bytes encode(const SyncDaemon& daemon);

// Absent when the bytes are no well-formed message of that kind, or lack an attribute that every kernel sends. What
// newer kernels only send has the value 0: tunnels (before 5.3), 64-bit statistics (before 4.1, then those of 32 bits),
// the destination's family (before 3.18, then the service's).
std::optional<Service> decode_service(std::span<const std::uint8_t> bytes);
std::optional<Destination> decode_destination(std::span<const std::uint8_t> bytes, base::Family service_family);
std::optional<ProtocolTimeouts> decode_timeouts(std::span<const std::uint8_t> bytes);
std::optional<Info> decode_info(std::span<const std::uint8_t> bytes);
std::optional<SyncDaemon> decode_daemon(std::span<const std::uint8_t> bytes);

}  // namespace lvsd::ipvs::kernel

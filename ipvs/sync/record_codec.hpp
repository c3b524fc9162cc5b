// Servers and records in bytes, as the payloads of frames (stream). Big-endian. Each entry says its length, so that
// later versions can append to it. Pure; used by the sessions.
//
//   server: u16 length | u32 number | u8 method | u8 family 4 or 6 | u16 port | address | u8 length, service's name
//   record: u8 length | u8 protocol | u8 state | u16 flags | u32 server | u32 idle ms | u32 packets in
//           | u16 ports of client, virtual address, server, local address | u16 ports of the controller: client's,
//           virtual | u32 first sequence | u8 family | client | virtual address, unless template | local, if fullnat
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "ipvs/sync/record.hpp"

namespace lvsd::ipvs::sync {

inline constexpr std::size_t kLongestName = 255;  // of a service; a longer one is not told

std::vector<std::uint8_t> encode_servers(std::span<const Server> servers);
std::vector<std::uint8_t> encode_records(std::span<const Record> records);

// Nothing: malformed; then none of it is used.
std::optional<std::vector<Server>> decode_servers(std::span<const std::uint8_t> bytes);
std::optional<std::vector<Record>> decode_records(std::span<const std::uint8_t> bytes);

}  // namespace lvsd::ipvs::sync

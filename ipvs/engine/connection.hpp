// One connection as it lies in the engine's memory: 64 bytes, one cache line, no pointers, the same for every process
// that maps it. Addresses and ports as they stand in the packet (network order).
#pragma once

#include <cstdint>

#include "ipvs/config.hpp"
#include "ipvs/engine/tcp_state.hpp"

namespace lvsd::ipvs::engine {

struct alignas(64) Connection {
  static constexpr std::uint8_t kNat = 1;         // replies come through here and are looked up
  static constexpr std::uint8_t kReplied = 2;     // a reply was seen
  static constexpr std::uint8_t kNoReplyKey = 4;  // a newer connection with the same server and client took the replies

  static constexpr std::uint8_t kUnanswered = 128;  // counted as one that never got a reply

  std::uint32_t client_address = 0;
  std::uint32_t virtual_address = 0;
  std::uint32_t server_address = 0;
  std::uint16_t client_port = 0;
  std::uint16_t virtual_port = 0;
  std::uint16_t server_port = 0;
  std::uint8_t protocol = 0;  // 0: the entry is free
  State state = State::None;
  std::uint8_t flags = 0;
  std::uint8_t unused[3]{};
  std::uint32_t server = 0;     // slot; in a free entry: the next free one
  std::uint32_t last_seen = 0;  // milliseconds of the monotonic clock, modulo 2^32
  std::uint64_t in_packets = 0;
  std::uint64_t reserved[3]{};  // zero; room for sequence deltas and the persistence template

  bool nat() const { return (flags & kNat) != 0; }
};
static_assert(sizeof(Connection) == 64);

// What a packet is looked up by. Inbound: peer is the virtual address; reply: peer is the server.
struct Tuple {
  enum class Direction : std::uint8_t { Inbound, Reply };

  std::uint64_t addresses = 0;  // client, peer
  std::uint64_t rest = 0;       // ports, protocol, direction

  static Tuple make(Direction direction, std::uint8_t protocol, std::uint32_t client, std::uint16_t client_port,
                    std::uint32_t peer, std::uint16_t peer_port) {
    return {std::uint64_t{client} | (std::uint64_t{peer} << 32),
            std::uint64_t{client_port} | (std::uint64_t{peer_port} << 16) | (std::uint64_t{protocol} << 32) |
                (static_cast<std::uint64_t>(direction) << 40)};
  }
  static Tuple inbound(const Connection& c) {
    return make(Direction::Inbound, c.protocol, c.client_address, c.client_port, c.virtual_address, c.virtual_port);
  }
  static Tuple reply(const Connection& c) {
    return make(Direction::Reply, c.protocol, c.client_address, c.client_port, c.server_address, c.server_port);
  }
  bool is_reply() const { return (rest >> 40) != 0; }
  friend bool operator==(const Tuple&, const Tuple&) = default;
};

}  // namespace lvsd::ipvs::engine
